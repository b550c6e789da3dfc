import { AppError } from '@loupe/shared/errors'
import { type Candidates, filterTokens } from './filters.ts'
import { logProbability, type TokenLogprob } from './log-probability.ts'
import { type LogitRow, notFinite, readLogitRow } from './logit-row.ts'
import { createPenalties } from './penalties.ts'
import { uniformAt } from './random.ts'
import { checkSamplingParams, type SamplingParams } from './sampling-params.ts'
import { Scratch } from './scratch.ts'
import { applyMask, type TokenConstraint } from './token-constraint.ts'

/** What a sampler needs to know besides how tokens are chosen. */
export interface SamplerOptions {
  /** Ids from here on are never chosen: rows of the embedding table that no text maps to. */
  readonly vocabLimit?: number
  /** Further ids that are never chosen. */
  readonly bannedIds?: readonly number[]
  /** Ids that are not chosen before the answer has so many tokens, `answeredIds` counted. */
  readonly heldBack?: { readonly ids: readonly number[]; readonly tokens: number }
  /** The ids that stand before the answer; only the repetition penalty looks at them. */
  readonly promptIds?: ReadonlySet<number>
  /** `[t]` the answer so far, when it was begun elsewhere: draws, penalties and constraint go on behind it. */
  readonly answeredIds?: Int32Array
  /** Which of several answers to one prompt this is, from 0: each has a stream of draws of its own. */
  readonly choice?: number
  /** Report log probabilities: that of each token, and so many of the likeliest. Absent: none, which is faster. */
  readonly topLogprobs?: number | undefined
  /** Says which tokens may come next. The sampler takes it over and disposes it. */
  readonly constraint?: TokenConstraint | undefined
}

/** A chosen token. */
export interface SampledToken {
  /** Below the size of the vocabulary. */
  readonly id: number
  /** As in {@link TokenLogprob}; present when log probabilities were asked for. */
  readonly logprob?: number
  /** The likeliest tokens, likeliest first; present when log probabilities were asked for. */
  readonly topLogprobs?: readonly TokenLogprob[]
}

/**
 * Chooses the tokens of one answer. For each: wait for `ready()`, then `next()`, then `accept()` if the token becomes
 * part of the answer.
 */
export interface Sampler extends Disposable {
  /**
   * Resolves when `next` may be called; `undefined` if it may be called now. A grammar looks for the tokens that may
   * follow while the model computes.
   *
   * @throws AppError of the {@link TokenConstraint}, when that fails: this answer ends, others may go on
   */
  ready(): Promise<void> | undefined
  /**
   * Chooses the next token. Changes nothing: the same call gives the same token.
   *
   * @param logits - `[v]`, not changed
   * @param position - which token of the answer this is, from 0, counted without the `answeredIds`. With the seed it
   *   fixes the draw
   * @throws AppError `runtime.failed` if the logits hold a NaN or nothing finite; `grammar.invalid` if the constraint
   *   leaves no token that may be chosen
   */
  next(logits: Float32Array, position: number): SampledToken
  /** The answer has this token now. */
  accept(id: number): void
  /** The answer has lost its last tokens: a draft that was rejected. @param tokens - at most those accepted */
  rollback(tokens: number): void
}

const scratch = new Scratch()

/**
 * Makes a sampler. Scores are changed in vLLM's order: bias, repetition, frequency, presence; what may not be chosen goes;
 * then the filters run in Transformers' order: temperature, top-k, top-p, min-p.
 *
 * @throws AppError `request.invalid` naming the parameter that is out of range
 */
export function createSampler(params: SamplingParams, options: SamplerOptions = {}): Sampler {
  checkSamplingParams(params)
  const { promptIds = new Set<number>(), answeredIds = new Int32Array(), constraint, choice = 0 } = options
  const penalties = createPenalties(params, promptIds)
  const accepted: number[] = []
  const accept = (id: number) => {
    accepted.push(id)
    penalties?.accept(id)
    constraint?.accept(id)
  }
  for (const id of answeredIds) accept(id)
  const { bannedIds: alwaysBanned = [], heldBack = { ids: [], tokens: 0 } } = options
  const prepare = (logits: Float32Array, place: number) => {
    const row = logits.subarray(0, options.vocabLimit)
    const bannedIds = place < heldBack.tokens ? [...alwaysBanned, ...heldBack.ids] : alwaysBanned
    if (bannedIds.length === 0 && penalties === undefined && constraint === undefined) return row
    const copy = scratch.floats(row.length)
    copy.set(row)
    penalties?.apply(copy)
    if (constraint !== undefined) applyMask(copy, constraint.mask)
    for (const id of bannedIds) copy[id] = Number.NEGATIVE_INFINITY
    return copy
  }
  return {
    ready: () => constraint?.ready(),
    next(logits, position) {
      const place = answeredIds.length + position
      const row = readChoices(prepare(logits, place), constraint !== undefined)
      const uniform = () => uniformAt(params.seed, place, choice)
      const id = isGreedy(params, row) ? row.best : pick(filterTokens(row, params), uniform(), row.best)
      return describe(logits, id, options)
    },
    accept,
    rollback(tokens) {
      for (const id of accepted.splice(accepted.length - tokens).reverse()) penalties?.undo(id)
      constraint?.rollback(tokens)
    },
    [Symbol.dispose]: () => constraint?.[Symbol.dispose](),
  }
}

function describe(logits: Float32Array, id: number, options: SamplerOptions): SampledToken {
  const { topLogprobs: count, vocabLimit = logits.length, bannedIds = [] } = options
  if (count === undefined) return { id }
  const { logprob, top } = logProbability(logits, id, { count, vocabLimit, bannedIds })
  return { id, logprob, topLogprobs: top }
}

/** @throws AppError if no token may be chosen */
function readChoices(logits: Float32Array, isConstrained: boolean): LogitRow {
  const row = readLogitRow(logits)
  if (row.best >= 0) return row
  if (isConstrained) throw new AppError('grammar.invalid', 'Expected a token that may follow, found none.')
  throw notFinite(Number.NEGATIVE_INFINITY, logits)
}

/** A temperature so low that float32 overflows leaves the best token alone with a chance, as temperature 0 does. */
function isGreedy({ temperature }: SamplingParams, { logits, best }: LogitRow): boolean {
  return temperature === 0 || !Number.isFinite(Math.fround((logits[best] as number) / Math.fround(temperature)))
}

/** Inverts the distribution function, by rising id. */
function pick({ ids, weights }: Candidates, uniform: number, best: number): number {
  let total = 0
  for (let at = 0; at < weights.length; at++) total += weights[at] as number // within bounds
  let left = uniform * total
  for (let at = 0; at < ids.length; at++) {
    left -= weights[at] as number // one weight an id
    if (left < 0) return ids[at] as number
  }
  // Rounding may leave a crumb.
  return best
}
