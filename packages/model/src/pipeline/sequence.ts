import { AppError } from '@loupe/shared/errors'
import type { Gemma3Config } from '../gemma3/config.ts'
import { TEXT_BLOCK } from '../gemma3/mask.ts'
import { headWidth } from '../gemma3/stage.ts'
import { CachedStage } from './cached-stage.ts'
import type { LanguageModel } from './language-model.ts'
import {
  checkTokenIds,
  findImagePlaces,
  joinFeatures,
  PART_TOKENS,
  type PromptPart,
  splitPrompt,
} from './prompt-tokens.ts'

/** What a {@link Sequence} needs of its model. */
export interface SequenceModel {
  readonly config: Gemma3Config
  /** All stages, in the order in which a token passes them. */
  readonly stages: readonly LanguageModel[]
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
  /** The longest it can become. */
  readonly capacityTokens: number
  readonly #config: Gemma3Config
  readonly #stages: readonly CachedStage[]
  /** Image block of each token so far. Pictures are numbered over the whole sequence, whatever parts it came in. */
  readonly #blocks: Int32Array
  readonly #logits: Float32Array
  #lengthTokens = 0
  #images = 0

  /**
   * @param capacityTokens - the longest it can become; memory for all of it is reserved now
   * @throws AppError `prompt.too_long` when that is more than the model was trained for
   */
  constructor({ config, stages }: SequenceModel, capacityTokens: number) {
    const { contextTokens } = config.text
    if (!Number.isInteger(capacityTokens) || capacityTokens < 1 || capacityTokens > contextTokens) {
      const expected = `Expected a capacity of 1 to ${contextTokens} tokens`
      throw new AppError('prompt.too_long', `${expected}, found ${capacityTokens}.`)
    }
    this.capacityTokens = capacityTokens
    this.#config = config
    this.#blocks = new Int32Array(capacityTokens)
    this.#logits = new Float32Array(config.text.vocabSize)
    this.#stages = stages.map((stage) => new CachedStage(stage, { rows: 1, capacityTokens }))
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
    const config = this.#config
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
    for (const stage of this.#stages) stage[Symbol.dispose]()
  }

  async #advance({ ids, given }: PromptPart, options: StepOptions): Promise<void> {
    const { text } = this.#config
    const start = this.#lengthTokens
    const end = start + ids.length
    this.#markBlocks(ids, start)
    const slots = Int32Array.from(ids, (_, index) => start + index)
    const step = {
      rows: 1,
      tokenIds: ids,
      positions: slots,
      slots,
      blocks: this.#blocks.subarray(0, end),
      given,
      logitRows: [ids.length - 1],
    }
    let hiddenIn = new Float32Array()
    for (const stage of this.#stages) {
      if (stage.stage.postProcess) {
        const width = headWidth(stage.stage, text)
        const { firstId = 0 } = stage.stage.vocabulary ?? {}
        const own = this.#logits.subarray(firstId, firstId + width)
        await stage.run({ ...step, hiddenIn }, { logits: [[1, width], own] }, options)
        continue
      }
      const hiddenOut = new Float32Array(ids.length * text.hiddenSize)
      await stage.run({ ...step, hiddenIn }, { hidden_out: [[1, ids.length, text.hiddenSize], hiddenOut] }, options)
      hiddenIn = hiddenOut
    }
    this.#lengthTokens = end
  }

  /** Writes the blocks of new tokens. */
  #markBlocks(ids: Int32Array, start: number): void {
    const { imageTokenId } = this.#config
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
    const isCut = ids[0] === this.#config.imageTokenId && (this.#blocks[this.#lengthTokens - 1] ?? 0) > TEXT_BLOCK
    if (!isCut) return
    throw new AppError('image.count_mismatch', 'Expected an image to begin and end in one part, found one cut in two.')
  }
}
