import { BUCKETS_PER_UNIT, type SoftmaxWeights } from './softmax-weights.ts'

/** Where a nucleus ends. */
export interface NucleusEdge {
  /** The least score in it. */
  readonly score: number
  /** So many of the tokens that have just this score are not in it, those with the lowest ids. */
  readonly ties: number
}

/**
 * Finds the edge of top-p. Tokens are dropped from the least likely on, of equal ones the lower ids first, as long as
 * all that are dropped hold no more than `1 - topP` together; one is left at least.
 *
 * Nothing is sorted but the stretch of scores in which the edge lies.
 *
 * @param topP - from 0, below 1
 */
export function nucleus(all: SoftmaxWeights, topP: number): NucleusEdge {
  const { masses, total } = all
  const isTail = (mass: number) => Math.fround(mass / total) <= Math.fround(1 - topP)
  let tail = 0
  let bucket = masses.length - 1
  // The likeliest token is in the first.
  for (; bucket > 0 && isTail(tail + (masses[bucket] ?? 0)); bucket--) tail += masses[bucket] ?? 0
  return edgeWithin(risingIn(all, bucket), tail, isTail)
}

/** Scores and weights of one stretch, rising. */
interface Stretch {
  readonly scores: Float32Array
  readonly weights: Float32Array
}

/**
 * Scores and weights are sorted apart, as plain numbers: a weight never falls while the score rises, so the n-th of the
 * one belongs to the n-th of the other.
 */
function risingIn({ scores, weights, top }: SoftmaxWeights, bucket: number): Stretch {
  const found: number[] = []
  const theirs: number[] = []
  const highest = -bucket / BUCKETS_PER_UNIT
  const lowest = -(bucket + 1) / BUCKETS_PER_UNIT
  for (let at = 0; at < scores.length; at++) {
    const below = Math.fround((scores[at] as number) - top) // within bounds
    if (below <= lowest || below > highest) continue
    found.push(scores[at] as number)
    theirs.push(weights[at] as number) // one weight a score
  }
  return { scores: new Float32Array(found).sort(), weights: new Float32Array(theirs).sort() }
}

function edgeWithin({ scores, weights }: Stretch, tail: number, isTail: (mass: number) => boolean): NucleusEdge {
  let dropped = 0
  for (let mass = tail; dropped < scores.length - 1; dropped++) {
    mass += weights[dropped] as number // within bounds
    if (!isTail(mass)) break
  }
  const score = scores[dropped] as number // the stretch of an edge holds a token
  let ties = 0
  while (ties < dropped && scores[dropped - 1 - ties] === score) ties++
  return { score, ties }
}
