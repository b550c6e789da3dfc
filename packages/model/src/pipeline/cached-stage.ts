import type { KeyValueCache, SlotRange } from '../gemma3/key-value-cache.ts'
import type { PerKind } from '../gemma3/layer-kind.ts'
import type { Stage } from '../gemma3/stage.ts'
import type { RunOptions } from '../graph/runtime.ts'
import type { BoundRows } from './bound-rows.ts'
import type { LanguageModel, Step } from './language-model.ts'

/** What a step of so many tokens needs is not kept for the next one, which as a rule has one token. */
const LARGE_STEP_TOKENS = 64

/** Options of {@link CachedStage}. */
interface CachedStageOptions {
  /** Sequences side by side. */
  readonly rows: number
  /** Slots of each, in layers of each kind. */
  readonly slots: PerKind<number>
  /** Also give out hidden states. */
  readonly hiddenStates?: boolean
}

/** Options of {@link CachedStage.run}. */
interface StageRunOptions extends RunOptions {
  /** The row of the cache that the step's first row is; 0 by default. */
  readonly firstRow?: number
}

/** Results by the name of the output, each with its shape and the memory that it is written to. */
export type StepOutputs = Readonly<Record<string, readonly [shape: readonly number[], data: Float32Array]>>

/** A stage of the language model with a cache of its own layers. One step at a time. */
export class CachedStage implements Disposable {
  readonly stage: Stage
  readonly cache: KeyValueCache
  readonly #model: LanguageModel
  readonly #hiddenStates: boolean
  /** The binding of each set of rows that was used lately; the latest is last. Making one takes a call for each layer. */
  readonly #bound = new Map<string, BoundRows>()

  /** Reserves the cache. The model is loaded with the first step, if it is not yet. */
  constructor(model: LanguageModel, { rows, slots, hiddenStates = false }: CachedStageOptions) {
    this.stage = model.stage
    this.#model = model
    this.#hiddenStates = hiddenStates
    this.cache = model.allocateCache(rows, slots)
  }

  /** Computes one step on as many rows of the cache, whose outputs have to be those of every other step. */
  async run(step: Step, outputs: StepOutputs, { firstRow = 0, ...options }: StageRunOptions = {}): Promise<void> {
    const bound = await this.#bind({ from: firstRow, end: firstRow + step.rows })
    using tensors = new DisposableStack()
    for (const [name, [shape, data]] of Object.entries(outputs)) {
      bound.binding.output(name, tensors.use(this.#model.runtime.wrap('float32', shape, data)))
    }
    tensors.use(this.#model.bindStep(bound, step))
    await bound.binding.run({ ...options, releasesMemory: step.tokenIds.length >= LARGE_STEP_TOKENS })
  }

  [Symbol.dispose](): void {
    for (const bound of this.#bound.values()) bound[Symbol.dispose]()
    this.#bound.clear()
    this.cache[Symbol.dispose]()
  }

  async #bind(rows: SlotRange): Promise<BoundRows> {
    const key = `${rows.from} ${rows.end}`
    const bound =
      this.#bound.get(key) ?? (await this.#model.bind(this.cache, rows, { hiddenStates: this.#hiddenStates }))
    this.#bound.delete(key)
    this.#bound.set(key, bound)
    const [oldest] = this.#bound
    // One for each row alone, and as many for decoding several.
    if (oldest !== undefined && this.#bound.size > 2 * this.cache.size.rows) {
      oldest[1][Symbol.dispose]()
      this.#bound.delete(oldest[0])
    }
    return bound
  }
}
