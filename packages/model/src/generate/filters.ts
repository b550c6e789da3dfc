/**
 * Temperature, top-k, top-p and min-p in the order and with the ties of Transformers' logits processors. Numbers are
 * rounded to float32 after each step, as there, so that a tie or a boundary falls on the same side.
 *
 * @see `generation/logits_process.py` of huggingface/transformers: TemperatureLogitsWarper, TopKLogitsWarper,
 *   TopPLogitsWarper, MinPLogitsWarper
 */
import { idsFrom, kthLogit, type LogitRow } from './logit-row.ts'
import { nucleus } from './nucleus.ts'
import { Scratch } from './scratch.ts'
import { type SoftmaxWeights, softmaxWeights } from './softmax-weights.ts'

/** Settings of the filters. */
export interface FilterSettings {
  /** Above 0. */
  readonly temperature: number
  /** 0 for all. */
  readonly topK: number
  /** From 0 to 1. */
  readonly topP: number
  /** From 0, the default, to 1. */
  readonly minP?: number | undefined
}

/** Tokens that may still be drawn. */
export interface Candidates {
  /** Token ids, ascending, `[c]` */
  readonly ids: Int32Array
  /** Unnormalised probability of each id, above 0, `[c]` */
  readonly weights: Float32Array
}

const scoreScratch = new Scratch()
const weightScratch = new Scratch()

/**
 * The tokens that pass the filters. All tokens that tie with the k-th pass top-k; of tokens that tie at the edge of
 * top-p those with the higher ids pass; at least one token passes. A token whose probability is 0 in float32 never does.
 *
 * @param row - with a token that may be chosen
 */
export function filterTokens(row: LogitRow, settings: FilterSettings): Candidates {
  const { topK, topP, minP = 0 } = settings
  const temperature = Math.fround(settings.temperature)
  const { logits, best } = row
  const top = Math.fround((logits[best] as number) / temperature) // the caller has looked
  const hasTopK = topK > 0 && topK < logits.length
  const kept = hasTopK ? likeliest(row, topK, temperature) : { ids: undefined, scores: temper(logits, temperature) }
  const weighed = softmaxWeights(kept.scores, top, weightScratch.floats(kept.scores.length))
  const edge = topP < 1 ? nucleus(weighed, topP) : { score: Number.NEGATIVE_INFINITY, ties: 0 }
  return pass(weighed, kept.ids, { ...edge, minP })
}

// The loops over a whole vocabulary are written with an index: iterators and callbacks take several times as long.

/** Scores after the temperature, of all tokens or of some. */
interface Scores {
  /** `[c]` whose they are; `undefined` when score `n` is that of token `n` */
  readonly ids: readonly number[] | undefined
  /** `[c]` */
  readonly scores: Float32Array
}

function temper(logits: Float32Array, temperature: number): Float32Array {
  if (temperature === 1) return logits
  const scores = scoreScratch.floats(logits.length)
  for (let id = 0; id < logits.length; id++) scores[id] = (logits[id] as number) / temperature // within bounds
  return scores
}

/** The tokens with the k-th largest score or more, after the temperature: rounding may have made new ties. */
function likeliest(row: LogitRow, k: number, temperature: number): Scores {
  const kth = kthLogit(row, k)
  const threshold = Math.fround(kth / temperature)
  // Only what is this near can round to the same score.
  const near = kth - Math.abs(kth) * 2 ** -22 - temperature * 2 ** -148
  const scoreOf = (id: number) => Math.fround((row.logits[id] as number) / temperature) // an id of the row
  const ids = idsFrom(row, near).filter((id) => scoreOf(id) >= threshold)
  return { ids, scores: Float32Array.from(ids, scoreOf) }
}

/** What a candidate needs to pass. */
interface Edge {
  /** The least score that passes. */
  readonly score: number
  /** So many of those that have just this score do not pass, those with the lowest ids. */
  readonly ties: number
  readonly minP: number
}

/** Overwrites `weights`: what passes moves to the front. */
function pass({ scores, weights }: SoftmaxWeights, ids: readonly number[] | undefined, edge: Edge): Candidates {
  const { score, ties, minP } = edge
  const passed = weightScratch.ints(scores.length)
  let count = 0
  let tiesLeft = ties
  let total = 0
  for (let at = 0; at < scores.length; at++) {
    const own = scores[at] as number // within bounds
    const weight = weights[at] as number // one weight a score
    if (own < score || weight === 0 || (own === score && tiesLeft-- > 0)) continue
    passed[count] = ids === undefined ? at : (ids[at] as number) // one id a score
    weights[count++] = weight
    total += weight
  }
  const kept = minP > 0 ? dropUnlikely(passed.subarray(0, count), weights, { minP, total }) : count
  return { ids: passed.slice(0, kept), weights: weights.slice(0, kept) }
}

/**
 * Moves the likely ones to the front. Shares are compared as float32, as the softmax gives them; the likeliest has the
 * weight 1.
 *
 * @returns how many there are
 */
function dropUnlikely(
  ids: Int32Array,
  weights: Float32Array,
  { minP, total }: { readonly minP: number; readonly total: number },
): number {
  const least = Math.fround(Math.fround(minP) * Math.fround(1 / total))
  let kept = 0
  for (let at = 0; at < ids.length; at++) {
    const weight = weights[at] as number // one weight an id
    if (Math.fround(weight / total) < least) continue
    ids[kept] = ids[at] as number // within bounds
    weights[kept++] = weight
  }
  return kept
}
