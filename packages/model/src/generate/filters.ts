/**
 * Temperature, top-k and top-p in the order and with the ties of Transformers' logits processors. Numbers are rounded to
 * float32 after each step, as there, so that a tie or a boundary falls on the same side.
 *
 * @see `generation/logits_process.py` of huggingface/transformers: TemperatureLogitsWarper, TopKLogitsWarper,
 *   TopPLogitsWarper
 */
import { kthLargest } from './kth-largest.ts'

/** Settings of the three filters. */
export interface FilterSettings {
  /** Above 0. */
  readonly temperature: number
  /** 0 for all. */
  readonly topK: number
  /** From 0 to 1. */
  readonly topP: number
}

/** Tokens that may still be drawn. */
export interface Candidates {
  /** Token ids, ascending, `[c]` */
  readonly ids: Int32Array
  /** Unnormalised probability of each id, `[c]` */
  readonly weights: Float32Array
}

/** Likeliest tokens looked at first when top-p runs without top-k, and how many times more are tried if they hold too little. */
const FIRST_NUCLEUS = 256
const NUCLEUS_GROWTH = 16

/**
 * The tokens that pass the filters. All tokens that tie with the k-th pass top-k; of tokens that tie at the edge of
 * top-p those with the higher ids pass; at least one token passes.
 *
 * @param logits - `[v]`, none above `largest`, no NaN
 * @param largest - the largest logit, finite
 */
export function filterTokens(logits: Float32Array, largest: number, settings: FilterSettings): Candidates {
  const { topK, topP } = settings
  const scores = temper(logits, settings.temperature)
  const top = Math.fround(largest / Math.fround(settings.temperature))
  const hasTopK = topK > 0 && topK < logits.length
  if (!hasTopK && topP < 1) return nucleus(scores, top, topP)
  const kept = atLeast(scores, top, hasTopK ? kthLargest(scores, topK) : Number.NEGATIVE_INFINITY)
  return topP < 1 ? dropTail(kept, scores, { tail: 0, total: sum(kept.weights), topP }) : kept
}

function temper(logits: Float32Array, temperature: number): Float32Array {
  if (temperature === 1) return logits
  const divisor = Math.fround(temperature)
  return logits.map((logit) => logit / divisor)
}

/** Softmax weight before it is divided by the sum. */
function weight(score: number, top: number): number {
  return Math.fround(Math.exp(Math.fround(score - top)))
}

// The loops over a whole vocabulary are written with an index: iterators and callbacks take several times as long.

function sum(values: Float32Array): number {
  let total = 0
  for (let at = 0; at < values.length; at++) total += values[at] as number // within bounds
  return total
}

/** The tokens with a score of `threshold` or more. */
function atLeast(scores: Float32Array, top: number, threshold: number): Candidates {
  const ids = new Int32Array(scores.length)
  let count = 0
  for (let id = 0; id < scores.length; id++) {
    if ((scores[id] as number) >= threshold) ids[count++] = id // within bounds
  }
  return weighed(ids.slice(0, count), scores, top)
}

function weighed(ids: Int32Array, scores: Float32Array, top: number): Candidates {
  const weights = new Float32Array(ids.length)
  for (let at = 0; at < ids.length; at++) {
    weights[at] = weight(scores[ids[at] as number] as number, top) // `ids` index `scores`
  }
  return { ids, weights }
}

/** Top-p over the whole vocabulary. The tail that surely goes is summed up and never sorted. */
function nucleus(scores: Float32Array, top: number, topP: number): Candidates {
  const all = atLeast(scores, top, Number.NEGATIVE_INFINITY)
  const total = sum(all.weights)
  for (let size = FIRST_NUCLEUS; size < scores.length; size *= NUCLEUS_GROWTH) {
    const kept = atLeast(scores, top, kthLargest(scores, size))
    const tail = Math.max(0, total - sum(kept.weights))
    if (isTail(tail, total, topP)) return dropTail(kept, scores, { tail, total, topP })
  }
  return dropTail(all, scores, { tail: 0, total, topP })
}

/** Transformers' test: the share of a token and all below it is no more than what top-p leaves over. */
function isTail(mass: number, total: number, topP: number): boolean {
  return Math.fround(mass / total) <= Math.fround(1 - topP)
}

interface NucleusState {
  /** Weight of the tokens that are gone already, all of them below the candidates. */
  readonly tail: number
  /** Weight of all tokens. */
  readonly total: number
  readonly topP: number
}

/**
 * Removes the least likely candidates as long as they, together with `tail`, hold no more than `1 - topP`.
 *
 * Scores and weights are sorted apart, as plain numbers: a weight never falls while the score rises, so the n-th of the
 * one belongs to the n-th of the other, and sorting ids by their scores takes several times as long.
 */
function dropTail({ ids, weights }: Candidates, scores: Float32Array, state: NucleusState): Candidates {
  const risingWeights = weights.slice().sort()
  const risingScores = scoresOf(ids, scores).sort()
  let dropped = 0
  for (let mass = state.tail; dropped < ids.length - 1; dropped++) {
    mass += risingWeights[dropped] as number // within bounds
    if (!isTail(mass, state.total, state.topP)) break
  }
  const edge = risingScores[dropped] as number // at least one is left
  let tiesToDrop = 0
  while (tiesToDrop < dropped && risingScores[dropped - 1 - tiesToDrop] === edge) tiesToDrop++
  const kept = { ids: new Int32Array(ids.length - dropped), weights: new Float32Array(ids.length - dropped) }
  for (let at = 0, to = 0; at < ids.length; at++) {
    const score = scores[ids[at] as number] as number // `ids` index `scores`
    if (score < edge || (score === edge && tiesToDrop-- > 0)) continue
    kept.ids[to] = ids[at] as number
    kept.weights[to++] = weights[at] as number
  }
  return kept
}

function scoresOf(ids: Int32Array, scores: Float32Array): Float32Array {
  const picked = new Float32Array(ids.length)
  for (let at = 0; at < ids.length; at++) picked[at] = scores[ids[at] as number] as number // `ids` index `scores`
  return picked
}
