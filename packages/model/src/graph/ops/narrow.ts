/** Matrices that stay in 16 bits in memory. */
import type { Graph } from '../graph.ts'
import type { AnyNarrow } from '../matrix.ts'
import type { AnyValue, Value } from '../value.ts'
import { add, cast } from './arithmetic.ts'
import { besideEachOther, gatherRows, reshape } from './layout.ts'
import { matmulTransposed } from './linear.ts'

/**
 * Numbers that are widened at a time: 16 MB of them. With 2^20 one row is a tenth quicker, but the 4B model has 4,000
 * pieces, and the runtime's load takes the square of that: 14 s instead of 2.
 */
const PIECE = 2 ** 22

/**
 * `x · weightᵀ + bias`, where some rows of the weight are widened, used and forgotten, then the next.
 *
 * @param x - `[r, i]`
 * @param bias - `[o]`
 * @returns `[r, o]`
 */
export function matmulNarrow(g: Graph, x: Value<'r i'>, weight: AnyNarrow, bias?: AnyValue): Value<'r o'> {
  const [outer = 0, inner = 0] = weight.shape
  const step = Math.max(1, Math.floor(PIECE / inner))
  const starts = Array.from({ length: Math.ceil(outer / step) }, (_, piece) => piece * step)
  const products = starts.map((start) => {
    const piece = rowsFrom(g, weight, start, Math.min(step, outer - start))
    return matmulTransposed(g, x, cast(g, piece, x.dtype))
  })
  const product = besideEachOther(g, products)
  if (bias === undefined) return product
  g.expectShape('a bias', bias, [outer])
  return add(g, product, reshape(g, bias, 'r o', [1, outer]))
}

/**
 * Rows of a table, widened after they are picked.
 *
 * @param ids - `[r]` int32 or int64
 * @returns `[r, i]` float32
 */
export function gatherNarrowRows(g: Graph, table: AnyNarrow, ids: Value<'r'>): Value<'r i'> {
  return cast(g, gatherRows(g, g.stored(table.name, 'o i', table.narrow), ids, 'r i'), 'float32')
}

/** Some rows as a weight of their own. The runtime must not widen it while it loads the model. */
function rowsFrom(g: Graph, { name, shape, narrow }: AnyNarrow, start: number, count: number): Value<'o i'> {
  const [outer = 0, inner = 0] = shape
  const rowBytes = narrow.bytes / outer
  const rows = { ...narrow, shape: [count, inner], offset: narrow.offset + start * rowBytes, bytes: count * rowBytes }
  return g.stored(`${name}.${start}`, 'o i', rows, { isConstant: false })
}
