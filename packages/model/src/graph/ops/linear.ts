import type { Graph } from '../graph.ts'
import type { AnyValue, Value } from '../value.ts'

/**
 * `x · weightᵀ + bias`, over the layout that checkpoints store, so that a float32 weight is used from its file as it is.
 *
 * @param x - `[r, i]`
 * @param weight - `[o, i]`
 * @param bias - `[o]`
 * @returns `[r, o]`
 */
export function matmulTransposed(g: Graph, x: Value<'r i'>, weight: AnyValue, bias?: AnyValue): Value<'r o'> {
  const [rows = 0, inner] = x.shape
  const [outer = 0] = weight.shape
  g.expectShape('a weight', weight, [outer, inner])
  if (bias !== undefined) g.expectShape('a bias', bias, [outer])
  return g.call(
    { op: 'Gemm', inputs: [x, weight, bias], attributes: { transB: 1 } },
    { dtype: x.dtype, shape: [rows, outer] },
  )
}

/**
 * `x · weight`.
 *
 * @param x - `[r, i]`
 * @param weight - `[i, o]`
 * @returns `[r, o]`
 */
export function matmul(g: Graph, x: Value<'r i'>, weight: Value<'i o'>): Value<'r o'> {
  const [rows = 0, inner] = x.shape
  const [, outer = 0] = weight.shape
  g.expectShape('a weight', weight, [inner, outer])
  return g.call({ op: 'Gemm', inputs: [x, weight] }, { dtype: x.dtype, shape: [rows, outer] })
}
