import { KeyValueCache } from '../gemma3/cache.ts'
import { languageModelGraph } from '../gemma3/text.ts'
import type { DType, RuntimeBinding, TensorData } from '../graph/runtime.ts'
import { LazySession } from './lazy-session.ts'
import type { ModelParts } from './model-parts.ts'

/** One step of the language model: t new tokens in each of b rows, on top of what their caches hold. */
export interface Step {
  /** b */
  readonly rows: number
  /** `[b·t]` */
  readonly tokenIds: Int32Array
  /** `[b·t]` of the rotary embedding */
  readonly positions: Int32Array
  /** `[b·t]` where in the cache each token goes */
  readonly slots: Int32Array
  /** `[b·s]` image block of every filled slot, the new ones included */
  readonly blocks: Int32Array
  /** `[m]` which of the b·t tokens are image places */
  readonly imageRows: readonly number[]
  /** `[m·d]` */
  readonly imageFeatures: Float32Array
  /** `[l]` which of the b·t tokens get logits */
  readonly logitRows: readonly number[]
}

/** What {@link Runtime.wrap} takes. */
type BoundInput = readonly [DType, readonly number[], TensorData]

/** The language model's sessions. The one that also gives out hidden states is apart: it cannot fuse as much. */
export class LanguageModel implements Disposable {
  readonly #parts: ModelParts
  readonly #plain: LazySession
  readonly #withStates: LazySession

  constructor(parts: ModelParts) {
    this.#parts = parts
    const session = (hiddenStates: boolean) =>
      new LazySession(async () => {
        const { config, tensors, runtime, weightsFolder } = parts
        return runtime.load(languageModelGraph(config, tensors, { hiddenStates }), { weightsFolder })
      })
    this.#plain = session(false)
    this.#withStates = session(true)
  }

  /** A new binding of the model to a cache. The caller disposes both. */
  async bind(cache: KeyValueCache, options: { hiddenStates?: boolean } = {}): Promise<RuntimeBinding> {
    const session = await (options.hiddenStates ? this.#withStates : this.#plain).get()
    const binding = session.bind()
    cache.bind(binding)
    return binding
  }

  /** A new, empty cache. The caller disposes it. */
  allocateCache(rows: number, capacityTokens: number): KeyValueCache {
    return new KeyValueCache(this.#parts.runtime, this.#parts.config.text, rows, capacityTokens)
  }

  /** Binds the inputs of one step. @returns what to dispose when the step is over */
  bindStep(binding: RuntimeBinding, step: Step): DisposableStack {
    const { config, runtime } = this.#parts
    const { rows } = step
    const perRow = (data: Int32Array) => ['int32', [rows, data.length / rows], data] as const
    const index = (list: readonly number[]) => ['int64', [list.length], BigInt64Array.from(list, BigInt)] as const
    const inputs: Record<string, BoundInput> = {
      // The embedding of an image place is replaced, and the image token need not be in the table.
      token_ids: perRow(step.tokenIds.map((id) => (id === config.imageTokenId ? config.padTokenId : id))),
      positions: perRow(step.positions),
      slots: perRow(step.slots),
      blocks: perRow(step.blocks),
      logit_rows: index(step.logitRows),
    }
    const images: Record<string, BoundInput> = {
      image_rows: index(step.imageRows),
      image_features: ['float32', [step.imageRows.length, config.text.hiddenSize], step.imageFeatures] as const,
    }
    const tensors = new DisposableStack()
    for (const [name, tensor] of Object.entries({ ...inputs, ...(config.vision === undefined ? {} : images) })) {
      binding.input(name, tensors.use(runtime.wrap(...tensor)))
    }
    return tensors
  }

  [Symbol.dispose](): void {
    this.#plain[Symbol.dispose]()
    this.#withStates[Symbol.dispose]()
  }
}
