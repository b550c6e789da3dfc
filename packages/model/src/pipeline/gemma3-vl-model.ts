import { AppError } from '@loupe/shared/errors'
import type { Gemma3Config } from '../gemma3/config.ts'
import type { GenerationConfig } from '../gemma3/generation-config.ts'
import { type AttentionGrids, attentionGrids, HIDDEN_BLOCK, imageBlocks } from '../gemma3/mask.ts'
import { projectorSizes } from '../gemma3/projector.ts'
import { checkStage, type Stage, stageTensors, wholeModel } from '../gemma3/stage.ts'
import { FREEZABLE_PARTS, type FreezablePart, trainableNames } from '../gemma3/trainable.ts'
import type { FinishReason } from '../generate/stop.ts'
import type { Floats } from '../graph/floats.ts'
import { readBatch } from './batch.ts'
import type { ForwardRequest, ForwardResult } from './forward-request.ts'
import { fullForward } from './full-forward.ts'
import { type GenerateRequest, generateIds } from './generate-ids.ts'
import { checkedHidden, givenStates } from './given-states.ts'
import { LanguageModel } from './language-model.ts'
import type { ModelParts } from './model-parts.ts'
import { type Gemma3VLMultimodalProjector, Gemma3VLMultimodalProjectorConfig } from './multimodal-projector.ts'
import { pictureFeatures } from './picture-features.ts'
import type { Pixels } from './pixels.ts'
import { Sequence } from './sequence.ts'
import type { SequenceModel } from './sequence-model.ts'
import { type PoolSize, SequencePool } from './sequence-pool.ts'
import { type ImageStates, VisionModel } from './vision-model.ts'

/** Options of {@link Gemma3VLModel.computeAttentionMask}. */
export interface MaskOptions {
  /** `[t]`, 0 for padding on either side; all 1 by default. */
  readonly attentionMask?: ArrayLike<number>
  /** The first token that asks: those before it are cached, and only seen. */
  readonly firstQuery?: number
}

/**
 * Gemma 3 vision-language over a checkpoint, or a stage of it. Its parts are loaded when they are first used, and of a
 * stage only the layers that it has.
 *
 * The members carry the names of Megatron-Bridge's class of the same name. Where they differ: the caller's attention mask
 * is honoured, on either side; so are positions; a label of -100 asks for no loss. The README has the whole table.
 *
 * @see https://github.com/NVIDIA-NeMo/Megatron-Bridge `Gemma3VLModel`
 */
export class Gemma3VLModel implements Disposable {
  /** Of the whole model, whatever the stage. */
  readonly config: Gemma3Config
  /** What the checkpoint says about drawing tokens. */
  readonly generationConfig: GenerationConfig
  /** Which layers and ends of the model it has. */
  readonly stage: Stage
  /** The decoder layers of the stage. */
  readonly languageModel: LanguageModel
  /** Absent in a text model, and on every stage but the first. */
  readonly visionTower: VisionModel | undefined
  /** What makes image features of the tower's states; absent where the tower is. {@link getImageFeatures} does not need it. */
  readonly multiModalProjector: Gemma3VLMultimodalProjector | undefined
  readonly #parts: ModelParts
  readonly #frozen = new Set<FreezablePart>()
  #hiddenIn: Float32Array | undefined

  /**
   * @param parts - its runtime becomes the model's own
   * @param stage - one of {@link splitLayers}; the whole model by default
   * @throws AppError `request.invalid` when the model has no such stage
   */
  constructor(parts: ModelParts, generationConfig: GenerationConfig, stage = wholeModel(parts.config.text)) {
    const { config } = parts
    checkStage(stage, config.text)
    this.config = config
    this.generationConfig = generationConfig
    this.stage = stage
    this.#parts = parts
    this.languageModel = new LanguageModel(parts, stage)
    const { vision: weights, runtime, policy = {} } = parts
    if (config.vision === undefined || weights === undefined || !stage.preProcess) return
    this.visionTower = new VisionModel(parts, config.vision, weights)
    const sizes = projectorSizes(config, config.vision)
    const projector = new Gemma3VLMultimodalProjectorConfig(sizes)
    this.multiModalProjector = projector.configureModel({ weights, runtime, policy })
  }

  /**
   * Image features: the tower, then the projector.
   *
   * @param pixels - n pictures, as patches of bytes or as `pixel_values`; see {@link Pixels}
   * @returns `[n·m·d]` float32: 256 features a picture in the width of the language model. Those of one picture are what
   *   {@link forward} and {@link Sequence.prefill} take.
   * @throws AppError `tensor.invalid` when `pixels` are not whole pictures; `request.unsupported` in a text model, and on
   *   a stage that is not the first; `request.cancelled`
   */
  async getImageFeatures(pixels: Pixels, options: { signal?: AbortSignal } = {}): Promise<Floats<'n m d'>> {
    return this.#vision().features(pixels, options)
  }

  /** As {@link getImageFeatures}, with what the tower gives to the projector, `[n·p·d of the tower]`. */
  async getImageStates(pixels: Pixels, options: { signal?: AbortSignal } = {}): Promise<ImageStates> {
    return this.#vision().states(pixels, options)
  }

  /**
   * Hands over the result of the stage before. The next {@link forward} uses it up.
   *
   * @param hidden - `[b·t·d]`, its `hidden`
   * @throws AppError `tensor.invalid` on the first stage, which embeds tokens itself
   */
  setInputTensor(hidden: Floats<'b t d'>): void {
    if (this.stage.preProcess) {
      throw new AppError('tensor.invalid', 'hidden states: expected none on the first stage, found some.')
    }
    this.#hiddenIn = hidden
  }

  /**
   * Logits of whole sequences, and on demand their loss and hidden states. A stage that is not the last gives what the
   * next one takes. Masks and positions follow from ids and attention mask, which every stage is given.
   *
   * @throws AppError `tensor.invalid` when sizes do not fit; `prompt.invalid_token`; `image.count_mismatch`;
   *   `request.cancelled`
   */
  async forward(request: ForwardRequest): Promise<ForwardResult> {
    const hiddenIn = this.#hiddenIn
    this.#hiddenIn = undefined
    const { config, languageModel: model, stage } = this
    const batch = readBatch(request, config)
    if (!stage.preProcess) {
      return fullForward({ config, model, request, batch, states: checkedHidden(hiddenIn, batch, config) })
    }
    const features = await pictureFeatures(this, request, batch.images)
    return fullForward({ config, model, request, batch, states: givenStates(request, features, batch, config) })
  }

  /**
   * Takes whole parts out of training. What is frozen stays so; a part that is not here is nothing to freeze.
   *
   * @returns what is left to train, as {@link trainableParameters}
   */
  freeze(parts: Partial<Record<FreezablePart, boolean>>): readonly string[] {
    for (const part of FREEZABLE_PARTS) if (parts[part]) this.#frozen.add(part)
    return this.trainableParameters
  }

  /** Every parameter that is not frozen, under the name that Transformers gives it; sorted. */
  get trainableParameters(): readonly string[] {
    return trainableNames(stageTensors(this.config, this.stage), this.#frozen)
  }

  /**
   * Which keys each query sees in local and in global layers.
   *
   * @param inputIds - `[t]` the whole sequence, what is cached of it included
   * @param options - `attentionMask`: `[t]`, 0 for padding; `firstQuery`: how many tokens are cached, 0 by default
   * @returns grids of t - `firstQuery` queries by t keys
   * @throws AppError `tensor.invalid` when an option does not fit the ids
   */
  computeAttentionMask(inputIds: ArrayLike<number>, options: MaskOptions = {}): AttentionGrids {
    const { attentionMask, firstQuery = 0 } = options
    const tokens = inputIds.length
    if (attentionMask !== undefined && attentionMask.length !== tokens) {
      throw new AppError('tensor.invalid', `attention_mask: expected ${tokens} numbers, found ${attentionMask.length}.`)
    }
    if (!Number.isInteger(firstQuery) || firstQuery < 0 || firstQuery > tokens) {
      throw new AppError('tensor.invalid', `first query: expected a token from 0 to ${tokens}, found ${firstQuery}.`)
    }
    const blocks = imageBlocks(inputIds, this.config.imageTokenId)
    const seen = blocks.map((block, token) => (attentionMask?.[token] === 0 ? HIDDEN_BLOCK : block))
    const { local, global } = attentionGrids(seen, this.config.text.slidingWindow)
    const from = firstQuery * tokens
    return { tokens, local: local.subarray(from), global: global.subarray(from) }
  }

  /**
   * An empty sequence with a cache of its own.
   *
   * @param options - `capacityTokens`: the longest it can become
   * @throws AppError `prompt.too_long` when that is more than the model was trained for; `request.unsupported` on a stage
   */
  startSequence({ capacityTokens }: { readonly capacityTokens: number }): Sequence {
    return new Sequence(this.#wholeModel(), capacityTokens)
  }

  /**
   * Empty places for several sequences, which are decoded as one batch. The caller disposes the pool.
   *
   * @throws AppError `prompt.too_long` when the places are longer than what the model was trained for; `request.invalid`;
   *   `request.unsupported` on a stage
   */
  openPool(size: PoolSize): SequencePool {
    return new SequencePool(this.#wholeModel(), size)
  }

  /**
   * Goes on from a prompt, token by token.
   *
   * @returns ids of the answer, its end token not among them; then why it ended
   * @throws AppError `prompt.too_long` when the prompt leaves no room; `prompt.invalid_token`, `image.count_mismatch`,
   *   `tensor.invalid`, `request.invalid`, `request.cancelled`; `request.unsupported` on a stage
   */
  generate(request: GenerateRequest): AsyncGenerator<number, FinishReason, void> {
    return generateIds(this, request)
  }

  /** Frees sessions, weights and the runtime. Sequences are disposed by whoever started them. */
  [Symbol.dispose](): void {
    this.languageModel[Symbol.dispose]()
    this.visionTower?.[Symbol.dispose]()
    this.multiModalProjector?.[Symbol.dispose]()
    this.#parts.runtime[Symbol.dispose]()
  }

  #wholeModel(): SequenceModel {
    if (!this.stage.preProcess || !this.stage.postProcess) {
      throw new AppError('request.unsupported', 'Expected a whole model for a sequence, found a stage of one.')
    }
    return { config: this.config, stages: [this.languageModel] }
  }

  #vision(): VisionModel {
    if (this.visionTower !== undefined) return this.visionTower
    const found = this.stage.preProcess ? 'This model reads text only' : 'Only the first stage looks at pictures'
    throw new AppError('request.unsupported', `${found}; expected a vision tower.`)
  }
}
