import type { Graph } from '../graph/graph.ts'
import type { Matrix } from '../graph/matrix.ts'
import { applyToTokens } from '../graph/ops/matrix.ts'
import { named, type Value } from '../graph/value.ts'

/** A linear map from axis `I` to axis `O`. */
export interface LinearWeights<I extends string, O extends string> {
  /** The module's path in the checkpoint; names the nodes and the errors. */
  readonly path: string
  /** `[o, i]` of any float type, in blocks or in columns */
  readonly weight: Matrix<`${O} ${I}`>
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
    g.expectShape('an input', x, [batch, tokens, w.weight.shape[1]])
    return named(applyToTokens(g, named<'b t i'>(x), w.weight, w.bias))
  })
}
