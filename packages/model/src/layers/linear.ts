import type { Graph } from '../graph/graph.ts'
import { reshape } from '../graph/ops/layout.ts'
import { matmulTransposed } from '../graph/ops/linear.ts'
import { elementCount } from '../graph/shape.ts'
import { named, type Value } from '../graph/value.ts'

/** A linear map from axis `I` to axis `O`. */
export interface LinearWeights<I extends string, O extends string> {
  /** The module's path in the checkpoint; names the nodes and the errors. */
  readonly path: string
  /** `[o, i]` float32 */
  readonly weight: Value<`${O} ${I}`>
  /** `[o]` float32 */
  readonly bias?: Value<O>
}

/** The axes `A` with the last one, `I`, replaced by `O`. */
type WithLast<A extends string, I extends string, O extends string> = A extends `${infer Lead} ${I}`
  ? `${Lead} ${O}`
  : never

/**
 * `x · Wᵀ + b` on the last axis.
 *
 * @param x - `[b, t, i]` float32
 * @returns `[b, t, o]` float32
 * @throws AppError `graph.shape_mismatch` when the weight does not fit `x`
 */
export function linear<I extends string, O extends string, A extends `${string} ${I}`>(
  g: Graph,
  w: LinearWeights<I, O>,
  x: Value<A>,
): Value<WithLast<A, I, O>> {
  return g.at(w.path, () => {
    const [batch = 0, tokens = 0] = x.shape
    const [outer = 0, inner = 0] = w.weight.shape
    g.expectShape('an input', x, [batch, tokens, inner])
    const rows = reshape(g, x, 'r i', [elementCount([batch, tokens]), inner])
    const bias = w.bias === undefined ? undefined : named<'o'>(w.bias)
    const mapped = matmulTransposed(g, rows, named(w.weight), bias)
    return named(reshape(g, mapped, 'b t o', [batch, tokens, outer]))
  })
}
