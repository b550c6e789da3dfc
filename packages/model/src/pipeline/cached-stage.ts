import type { KeyValueCache } from '../gemma3/cache.ts'
import type { Stage } from '../gemma3/stage.ts'
import type { RunOptions, RuntimeBinding } from '../graph/runtime.ts'
import type { LanguageModel, Step } from './language-model.ts'

/** What a step of so many tokens needs is not kept for the next one, which as a rule has one token. */
const LARGE_STEP_TOKENS = 64

/** Options of {@link CachedStage}. */
interface CachedStageOptions {
  /** Sequences side by side. */
  readonly rows: number
  /** Slots of each. */
  readonly capacityTokens: number
  /** Also give out hidden states. */
  readonly hiddenStates?: boolean
}

/** Results by the name of the output, each with its shape and the memory that it is written to. */
export type StepOutputs = Readonly<Record<string, readonly [shape: readonly number[], data: Float32Array]>>

/** A stage of the language model with a cache of its own layers. One step at a time. */
export class CachedStage implements Disposable {
  readonly stage: Stage
  readonly #model: LanguageModel
  readonly #cache: KeyValueCache
  readonly #hiddenStates: boolean
  #binding: RuntimeBinding | undefined

  /** Reserves the cache. The model is loaded with the first step, if it is not yet. */
  constructor(model: LanguageModel, { rows, capacityTokens, hiddenStates = false }: CachedStageOptions) {
    this.stage = model.stage
    this.#model = model
    this.#hiddenStates = hiddenStates
    this.#cache = model.allocateCache(rows, capacityTokens)
  }

  /** Computes one step, whose outputs have to be those of every other step. */
  async run(step: Step, outputs: StepOutputs, options: RunOptions = {}): Promise<void> {
    this.#binding ??= await this.#model.bind(this.#cache, { hiddenStates: this.#hiddenStates })
    const binding = this.#binding
    using tensors = new DisposableStack()
    for (const [name, [shape, data]] of Object.entries(outputs)) {
      binding.output(name, tensors.use(this.#model.runtime.wrap('float32', shape, data)))
    }
    tensors.use(this.#model.bindStep(binding, step))
    await binding.run({ ...options, releasesMemory: step.tokenIds.length >= LARGE_STEP_TOKENS })
  }

  [Symbol.dispose](): void {
    this.#binding?.[Symbol.dispose]()
    this.#cache[Symbol.dispose]()
  }
}
