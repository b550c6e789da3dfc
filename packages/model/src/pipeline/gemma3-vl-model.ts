import { AppError } from '@loupe/shared/errors'
import type { Gemma3Config } from '../gemma3/config.ts'
import type { GenerationConfig } from '../gemma3/generation-config.ts'
import { type AttentionGrids, attentionGrids, imageBlocks } from '../gemma3/mask.ts'
import { type ForwardRequest, type ForwardResult, fullForward } from './full-forward.ts'
import { LanguageModel } from './language-model.ts'
import type { ModelParts } from './model-parts.ts'
import { Sequence } from './sequence.ts'
import { type ImageStates, VisionModel } from './vision-model.ts'

/**
 * Gemma 3 vision-language over a checkpoint. Its parts are loaded when they are first used.
 *
 * The members carry the names of Megatron-Bridge's class of the same name. Where they differ: the caller's attention mask
 * is honoured, on either side; a label of -100 asks for no loss; `forward` returns logits and loss together.
 *
 * @see https://github.com/NVIDIA-NeMo/Megatron-Bridge `Gemma3VLModel`
 */
export class Gemma3VLModel implements Disposable {
  readonly config: Gemma3Config
  readonly generationConfig: GenerationConfig
  readonly languageModel: LanguageModel
  /** The tower together with the projector; absent in a text model. */
  readonly visionTower: VisionModel | undefined
  readonly #parts: ModelParts

  /** @param parts - its runtime becomes the model's own */
  constructor(parts: ModelParts, generationConfig: GenerationConfig) {
    const { config } = parts
    this.config = config
    this.generationConfig = generationConfig
    this.#parts = parts
    this.languageModel = new LanguageModel(parts)
    this.visionTower = config.vision === undefined ? undefined : new VisionModel(parts, config.vision)
  }

  /**
   * Image features of one picture, ready for {@link forward} and {@link Sequence.prefill}.
   *
   * @param patches - `[p·y·x·channel]` uint8: 4,096 patches, row by row, of 14 × 14 × 3 bytes in the released models
   * @returns `[m·d]` float32: 256 features in the width of the language model
   * @throws AppError `tensor.invalid` when `patches` has another size; `request.unsupported` in a text model;
   *   `request.cancelled`
   */
  async getImageFeatures(patches: Uint8Array, options: { signal?: AbortSignal } = {}): Promise<Float32Array> {
    return this.#vision().features(patches, options)
  }

  /** As {@link getImageFeatures}, with what the tower gives to the projector, `[p·d of the tower]`. */
  async getImageStates(patches: Uint8Array, options: { signal?: AbortSignal } = {}): Promise<ImageStates> {
    return this.#vision().states(patches, options)
  }

  /**
   * Logits of whole sequences, and on demand their loss and hidden states.
   *
   * @throws AppError `tensor.invalid` when sizes do not fit; `prompt.invalid_token`; `image.count_mismatch`;
   *   `request.cancelled`
   */
  async forward(request: ForwardRequest): Promise<ForwardResult> {
    return fullForward(this.languageModel, this.config, request)
  }

  /**
   * Which keys each query sees in local and in global layers, over one whole sequence.
   *
   * @param inputIds - `[t]`
   */
  computeAttentionMask(inputIds: ArrayLike<number>): AttentionGrids {
    return attentionGrids(imageBlocks(inputIds, this.config.imageTokenId), this.config.text.slidingWindow)
  }

  /**
   * An empty sequence with a cache of its own.
   *
   * @param options - `capacityTokens`: the longest it can become
   * @throws AppError `prompt.too_long` when that is more than the model was trained for
   */
  startSequence({ capacityTokens }: { readonly capacityTokens: number }): Sequence {
    const { contextTokens } = this.config.text
    if (!Number.isInteger(capacityTokens) || capacityTokens < 1 || capacityTokens > contextTokens) {
      const expected = `Expected a capacity of 1 to ${contextTokens} tokens`
      throw new AppError('prompt.too_long', `${expected}, found ${capacityTokens}.`)
    }
    const { config, languageModel } = this
    return new Sequence({ config, languageModel, runtime: this.#parts.runtime }, capacityTokens)
  }

  /** Frees sessions, weights and the runtime. Sequences are disposed by whoever started them. */
  [Symbol.dispose](): void {
    this.languageModel[Symbol.dispose]()
    this.visionTower?.[Symbol.dispose]()
    this.#parts.runtime[Symbol.dispose]()
  }

  #vision(): VisionModel {
    if (this.visionTower !== undefined) return this.visionTower
    throw new AppError('request.unsupported', 'This model reads text only; expected a vision-language checkpoint.')
  }
}
