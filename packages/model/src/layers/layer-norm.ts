import type { Graph } from '../graph/graph.ts'
import { cast } from '../graph/ops/arithmetic.ts'
import { layerNormalize } from '../graph/ops/normalize.ts'
import type { Value } from '../graph/value.ts'

/** A layer norm with gain and shift. */
export interface LayerNormWeights {
  readonly path: string
  readonly weight: Value<'d'>
  readonly bias: Value<'d'>
  readonly epsilon: number
}

/**
 * Centres and scales the last axis, in float32, with the biased variance.
 *
 * @param x - `[…, d]` of any float type
 * @returns the shape of `x`
 * @throws AppError `graph.shape_mismatch` when the weights do not fit `x`
 * @see https://arxiv.org/abs/1607.06450
 */
export function layerNorm<A extends string>(g: Graph, w: LayerNormWeights, x: Value<A>): Value<A> {
  return g.at(w.path, () => {
    const affine = { gain: cast(g, w.weight, x.dtype), shift: cast(g, w.bias, x.dtype) }
    return layerNormalize(g, x, affine, w.epsilon)
  })
}
