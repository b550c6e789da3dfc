/** A stretch of scores this wide is summed up in one; it holds few of the tokens near the edge of a nucleus. */
const BUCKETS_PER_UNIT = 32
/** Below this a weight is 0 in float32. */
const LEAST_SCORE = -104
const BUCKETS = BUCKETS_PER_UNIT * -LEAST_SCORE + 1

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
 * Nothing is sorted but the bucket of scores in which the edge lies.
 *
 * @param scores - `[c]` after the temperature, none above `top`
 * @param weights - `[c]` softmax weights of the scores, float32
 */
export function nucleus(
  scores: Float32Array,
  weights: Float32Array,
  { top, topP }: { readonly top: number; readonly topP: number },
): NucleusEdge {
  const masses = new Float64Array(BUCKETS)
  let total = 0
  for (let at = 0; at < scores.length; at++) {
    const weight = weights[at] as number // one weight a score
    total += weight
    const bucket = bucketOf(scores[at] as number, top) // within bounds
    masses[bucket] = (masses[bucket] as number) + weight // as many as there are buckets
  }
  const isTail = (mass: number) => Math.fround(mass / total) <= Math.fround(1 - topP)
  let tail = 0
  let edge = BUCKETS - 1
  for (; edge > 0 && isTail(tail + (masses[edge] as number)); edge--) tail += masses[edge] as number // within bounds
  return edgeWithin(rising(scores, weights, { top, edge }), tail, isTail)
}

function bucketOf(score: number, top: number): number {
  const below = (top - score) * BUCKETS_PER_UNIT
  return below < BUCKETS - 1 ? below | 0 : BUCKETS - 1
}

/** Scores and weights of one bucket, rising. */
interface Bucket {
  readonly scores: Float32Array
  readonly weights: Float32Array
}

/**
 * Scores and weights are sorted apart, as plain numbers: a weight never falls while the score rises, so the n-th of the
 * one belongs to the n-th of the other.
 */
function rising(
  scores: Float32Array,
  weights: Float32Array,
  { top, edge }: { readonly top: number; readonly edge: number },
): Bucket {
  const found: number[] = []
  const theirs: number[] = []
  for (let at = 0; at < scores.length; at++) {
    const score = scores[at] as number // within bounds
    if (bucketOf(score, top) !== edge) continue
    found.push(score)
    theirs.push(weights[at] as number) // one weight a score
  }
  return { scores: new Float32Array(found).sort(), weights: new Float32Array(theirs).sort() }
}

function edgeWithin({ scores, weights }: Bucket, tail: number, isTail: (mass: number) => boolean): NucleusEdge {
  let dropped = 0
  for (let mass = tail; dropped < scores.length - 1; dropped++) {
    mass += weights[dropped] as number // within bounds
    if (!isTail(mass)) break
  }
  const score = scores[dropped] as number // the bucket of an edge holds a token
  let ties = 0
  while (ties < dropped && scores[dropped - 1 - ties] === score) ties++
  return { score, ties }
}
