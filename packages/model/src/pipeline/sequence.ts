import { AppError } from '@loupe/shared/errors'
import type { KeyValueCache } from '../gemma3/cache.ts'
import type { Gemma3Config } from '../gemma3/config.ts'
import { TEXT_BLOCK } from '../gemma3/mask.ts'
import type { Runtime, RuntimeBinding, RuntimeTensor } from '../graph/runtime.ts'
import type { LanguageModel } from './language-model.ts'
import { checkTokenIds, findImagePlaces, joinFeatures, type PromptPart, splitPrompt } from './prompt-tokens.ts'

/**
 * Most tokens of one run. Attention writes out n · t · c scores for c slots of cache: 4,096 tokens at once on 16,384 slots
 * take 1 GB for 4 heads, parts of 512 an eighth of it. It is also how long a cancelled prompt may go on.
 */
const PART_TOKENS = 512

/** What a {@link Sequence} needs of its model. */
export interface SequenceModel {
  readonly config: Gemma3Config
  readonly runtime: Runtime
  readonly languageModel: LanguageModel
}

/** Options of one step. */
export interface StepOptions {
  /** Ends the step early with `request.cancelled`. The sequence is then as long as it was before. */
  readonly signal?: AbortSignal
}

/**
 * One conversation with the language model: its tokens so far, and their keys and values. Steps follow one another; a
 * second one must not begin before the first has ended.
 */
export class Sequence implements Disposable {
  readonly capacityTokens: number
  readonly #model: SequenceModel
  readonly #cache: KeyValueCache
  /** Image block of each token so far. Pictures are numbered over the whole sequence, whatever parts it came in. */
  readonly #blocks: Int32Array
  readonly #logits: Float32Array
  readonly #logitsTensor: RuntimeTensor
  #binding: RuntimeBinding | undefined
  #lengthTokens = 0
  #images = 0

  /** @param capacityTokens - the longest it can become; memory for all of it is reserved now */
  constructor(model: SequenceModel, capacityTokens: number) {
    const { text } = model.config
    this.capacityTokens = capacityTokens
    this.#model = model
    this.#blocks = new Int32Array(capacityTokens)
    this.#logits = new Float32Array(text.vocabSize)
    this.#logitsTensor = model.runtime.wrap('float32', [1, text.vocabSize], this.#logits)
    this.#cache = model.languageModel.allocateCache(1, capacityTokens)
  }

  /** Tokens whose keys and values are cached. */
  get lengthTokens(): number {
    return this.#lengthTokens
  }

  /**
   * Appends a prompt, or the next part of one. A picture must be whole within one part.
   *
   * @param inputIds - `[t]`, at least one
   * @param imageFeatures - `[m·d]` of each picture in these ids, in order
   * @returns logits of the last token, `[v]`; overwritten by the next step
   * @throws AppError `prompt.too_long`, `prompt.invalid_token`, `image.count_mismatch`, `tensor.invalid`,
   *   `request.cancelled`
   */
  async prefill(
    inputIds: Int32Array,
    imageFeatures: readonly Float32Array[],
    options: StepOptions = {},
  ): Promise<Float32Array> {
    const { config } = this.#model
    checkTokenIds(inputIds, config)
    const { images } = findImagePlaces(inputIds, config)
    this.#checkRoom(inputIds.length)
    this.#checkBoundary(inputIds)
    const features = joinFeatures(imageFeatures, images, config)
    const before = { length: this.#lengthTokens, images: this.#images }
    try {
      for (const part of splitPrompt(inputIds, features, config, PART_TOKENS)) await this.#advance(part, options)
      return this.#logits
    } catch (error) {
      // The same tokens can be given again: what was written behind the end is not seen.
      this.#lengthTokens = before.length
      this.#images = before.images
      throw error
    }
  }

  /**
   * Appends one token of text.
   *
   * @returns logits of what follows it, `[v]`; overwritten by the next step
   * @throws AppError `prompt.too_long`, `prompt.invalid_token`, `request.cancelled`
   */
  async decode(tokenId: number, options: StepOptions = {}): Promise<Float32Array> {
    return this.prefill(Int32Array.of(tokenId), [], options)
  }

  [Symbol.dispose](): void {
    this.#binding?.[Symbol.dispose]()
    this.#cache[Symbol.dispose]()
    this.#logitsTensor[Symbol.dispose]()
  }

  async #advance({ ids, imageRows, imageFeatures }: PromptPart, options: StepOptions): Promise<void> {
    const { languageModel } = this.#model
    const start = this.#lengthTokens
    const end = start + ids.length
    this.#markBlocks(ids, start)
    const slots = Int32Array.from(ids, (_, index) => start + index)
    this.#binding ??= (await languageModel.bind(this.#cache)).output('logits', this.#logitsTensor)
    using _tensors = languageModel.bindStep(this.#binding, {
      rows: 1,
      tokenIds: ids,
      positions: slots,
      slots,
      blocks: this.#blocks.subarray(0, end),
      imageRows,
      imageFeatures,
      logitRows: [ids.length - 1],
    })
    await this.#binding.run(options)
    this.#lengthTokens = end
  }

  /** Writes the blocks of new tokens. */
  #markBlocks(ids: Int32Array, start: number): void {
    const { imageTokenId } = this.#model.config
    for (const [index, id] of ids.entries()) {
      const isImage = id === imageTokenId
      if (isImage && ids[index - 1] !== imageTokenId) this.#images++
      this.#blocks[start + index] = isImage ? this.#images : TEXT_BLOCK
    }
  }

  #checkRoom(tokens: number): void {
    if (tokens === 0) throw new AppError('prompt.invalid', 'Expected at least one token, found none.')
    const length = this.#lengthTokens + tokens
    if (length <= this.capacityTokens) return
    throw new AppError('prompt.too_long', `Expected at most ${this.capacityTokens} tokens, found ${length}.`)
  }

  /** A part that begins with image tokens right after cached ones would cut their picture in two. */
  #checkBoundary(ids: Int32Array): void {
    const isCut = ids[0] === this.#model.config.imageTokenId && (this.#blocks[this.#lengthTokens - 1] ?? 0) > TEXT_BLOCK
    if (!isCut) return
    throw new AppError('image.count_mismatch', 'Expected an image to begin and end in one part, found one cut in two.')
  }
}
