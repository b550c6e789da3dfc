import type { DTypePolicy } from '../gemma3/dtype-policy.ts'
import { KeyValueCache, type SlotRange } from '../gemma3/key-value-cache.ts'
import type { PerKind } from '../gemma3/layer-kind.ts'
import { TEXT_PREFIX } from '../gemma3/names.ts'
import { type Stage, wholeModel } from '../gemma3/stage.ts'
import { withTableRows } from '../gemma3/table-rows.ts'
import { languageModelGraph } from '../gemma3/text.ts'
import type { Runtime } from '../graph/runtime.ts'
import { BoundRows } from './bound-rows.ts'
import { LazySession } from './lazy-session.ts'
import { loadPart } from './load-part.ts'
import { type ModelParts, partOptions } from './model-parts.ts'
import { type BoundInput, policyInputs } from './policy-inputs.ts'
import type { GivenStates } from './prompt-tokens.ts'

/** Where in the caches of one kind of layer a step writes, and what their slots hold. */
export interface CachePlaces {
  /** `[b·t]` where each token goes */
  readonly slots: Int32Array
  /** `[b·s]` image block of every filled slot, the new ones included */
  readonly blocks: Int32Array
}

/** One step of the language model: t new tokens in each of b rows, on top of what their caches hold. */
export interface Step {
  /** b */
  readonly rows: number
  /** `[b·t]` */
  readonly tokenIds: Int32Array
  /** `[b·t]` of the rotary embedding */
  readonly positions: Int32Array
  readonly places: PerKind<CachePlaces>
  /** What the first stage does not look up. */
  readonly given: GivenStates
  /** `[b·t·d]` of the stage before; the first stage takes `tokenIds` and images in its place */
  readonly hiddenIn?: Float32Array
  /** `[l]` which of the b·t tokens get logits */
  readonly logitRows: readonly number[]
}

/**
 * The language model, or a stage of it. The session that also gives out hidden states is apart: it cannot fuse as much.
 */
export class LanguageModel implements Disposable {
  /** Which layers it has. */
  readonly stage: Stage
  /** What computes. */
  readonly runtime: Runtime
  readonly #parts: ModelParts
  readonly #policy: DTypePolicy
  readonly #plain: LazySession
  readonly #withStates: LazySession

  constructor(parts: ModelParts, stage = wholeModel(parts.config.text)) {
    this.stage = stage
    this.runtime = parts.runtime
    this.#parts = parts
    const someMatrix = `${TEXT_PREFIX}layers.0.mlp.down_proj.weight`
    const shared = partOptions(parts, parts.language, someMatrix)
    this.#policy = shared.dtypes
    const session = (hiddenStates: boolean) =>
      new LazySession(async () => {
        const { config, language, runtime } = parts
        const options = { ...shared, hiddenStates, stage }
        const { vocabulary } = stage
        return loadPart(runtime, language, (source) => {
          const own = vocabulary === undefined ? source : withTableRows(source, vocabulary)
          return languageModelGraph(config, own, options)
        })
      })
    this.#plain = session(false)
    this.#withStates = session(true)
  }

  /**
   * Whether JavaScript can reach and move what is cached: in host memory, where no operator takes a slot for a position.
   *
   * @internal
   */
  get movesCache(): boolean {
    return this.runtime.device === 'cpu' && this.#policy.fuses === 'nothing'
  }

  /** A new binding of the model to some rows of a cache. The caller disposes both. @internal */
  async bind(cache: KeyValueCache, rows: SlotRange, options: { hiddenStates?: boolean } = {}): Promise<BoundRows> {
    const session = await (options.hiddenStates ? this.#withStates : this.#plain).get()
    const binding = session.bind()
    return new BoundRows(this.runtime, binding, cache.bind(binding, rows))
  }

  /** A new, empty cache. The caller disposes it. @internal */
  allocateCache(rows: number, slots: PerKind<number>): KeyValueCache {
    const { config, runtime } = this.#parts
    return new KeyValueCache(runtime, config.text, this.stage, { rows, slots, dtype: this.#policy.cache })
  }

  /** Binds the inputs of one step. @returns what to dispose when the step is over @internal */
  bindStep(bound: BoundRows, step: Step): Disposable {
    return bound.bindInputs(this.#inputs(step))
  }

  [Symbol.dispose](): void {
    this.#plain[Symbol.dispose]()
    this.#withStates[Symbol.dispose]()
  }

  #inputs({ rows, ...step }: Step): Record<string, BoundInput> {
    const { config } = this.#parts
    const { hiddenSize } = config.text
    const perRow = (data: Int32Array) => ['int32', [rows, data.length / rows], data] as const
    const index = (list: readonly number[]) => ['int64', [list.length], BigInt64Array.from(list, BigInt)] as const
    const hidden = step.hiddenIn ?? new Float32Array()
    const tokens = {
      // The embedding of an image place is replaced, and the image token need not be in the table.
      token_ids: perRow(step.tokenIds.map((id) => (id === config.imageTokenId ? config.padTokenId : id))),
    }
    const given = {
      given_rows: index(step.given.rows),
      given_states: ['float32', [step.given.rows.length, hiddenSize], step.given.states],
    } as const
    const before = { hidden_in: ['float32', [rows, step.tokenIds.length / rows, hiddenSize], hidden] } as const
    return {
      ...policyInputs(config.text, this.#policy, { rows, positions: step.positions, ...step.places.global }),
      positions: perRow(step.positions),
      slots_local: perRow(step.places.local.slots),
      slots_global: perRow(step.places.global.slots),
      blocks_local: perRow(step.places.local.blocks),
      blocks_global: perRow(step.places.global.blocks),
      ...(this.stage.preProcess ? { ...tokens, ...given } : before),
      ...(this.stage.postProcess ? { logit_rows: index(step.logitRows) } : {}),
    }
  }
}
