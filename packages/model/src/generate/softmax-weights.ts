import { expOfNegative } from './exp.ts'

/** A stretch of scores this wide is summed up in one; it holds few of the tokens near the edge of a nucleus. */
export const BUCKETS_PER_UNIT = 32
/** Below this a weight is 0 in float32. */
const LEAST = -104
const masses = new Float64Array(BUCKETS_PER_UNIT * -LEAST + 1)

/** A softmax before it is divided by its sum. Valid until the next one is made. */
export interface SoftmaxWeights {
  /** `[c]` scores after the temperature, none above `top` */
  readonly scores: Float32Array
  /** The largest score; its weight is 1. */
  readonly top: number
  /** `[c]` the exponential of each score less `top`, rounded to float32 */
  readonly weights: Float32Array
  /** The sum of the weights. */
  readonly total: number
  /** Sums of the weights with `b <= (top - score) * BUCKETS_PER_UNIT < b + 1`, by `b`. */
  readonly masses: Float64Array
}

/**
 * Weighs scores, in one pass.
 *
 * @param scores - `[c]`
 * @param weights - `[c]` where the weights go
 */
export function softmaxWeights(scores: Float32Array, top: number, weights: Float32Array): SoftmaxWeights {
  masses.fill(0)
  let total = 0
  for (let at = 0; at < scores.length; at++) {
    const below = Math.fround((scores[at] as number) - top) // within bounds
    const weight = Math.fround(expOfNegative(below))
    weights[at] = weight
    total += weight
    // No test for what is far below: it has no weight, wherever it falls.
    const bucket = (below * -BUCKETS_PER_UNIT) | 0
    masses[bucket] = (masses[bucket] as number) + weight
  }
  return { scores, top, weights, total, masses }
}
