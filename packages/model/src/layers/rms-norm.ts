import type { Graph } from '../graph/graph.ts'
import { addNumber, cast, scaleBy } from '../graph/ops/arithmetic.ts'
import { rmsNormalize } from '../graph/ops/normalize.ts'
import type { Value } from '../graph/value.ts'

/** A zero-centred RMS norm: a weight of 0 means a gain of 1. */
export interface RmsNormWeights {
  readonly path: string
  /** One number a place of the normed axis, float32. */
  readonly weight: Value<'d'>
  readonly epsilon: number
  /** Multiplies the result; 1 by default. */
  readonly factor?: number
}

/**
 * `x / sqrt(mean(x²) + ε) · (1 + w)` over the last axis, summed in float32.
 *
 * The sum `1 + w` has only constant operands: the runtime computes it once, while it loads the model.
 *
 * @param x - `[…, d]` of any float type
 * @returns the shape of `x`
 * @throws AppError `graph.shape_mismatch` when the weight does not fit `x`
 * @see https://arxiv.org/abs/1910.07467
 */
export function rmsNorm<A extends string>(g: Graph, w: RmsNormWeights, x: Value<A>): Value<A> {
  return g.at(w.path, () => {
    const gain = addNumber(g, w.weight, 1)
    const scaled = w.factor === undefined ? gain : scaleBy(g, gain, w.factor)
    return rmsNormalize(g, x, cast(g, scaled, x.dtype), w.epsilon)
  })
}
