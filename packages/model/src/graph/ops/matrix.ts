/** What is done with a weight matrix, in whatever way it is stored. */
import type { Graph } from '../graph.ts'
import type { AnyMatrix } from '../matrix.ts'
import { elementCount } from '../shape.ts'
import { type AnyValue, named, type Value } from '../value.ts'
import { cast } from './arithmetic.ts'
import { gatherBlockRows, matmulBlocks } from './blocks.ts'
import { matmulColumns } from './columns.ts'
import { gatherRows, reshape } from './layout.ts'
import { matmulTransposed } from './linear.ts'
import { gatherNarrowRows, matmulNarrow } from './narrow.ts'

/**
 * `x · matrixᵀ + bias`, in the type of `x`.
 *
 * @param x - `[r, i]`
 * @param matrix - `[o, i]` of any float type, in blocks or in columns
 * @param bias - `[o]`
 * @returns `[r, o]`
 */
export function applyMatrix(g: Graph, x: Value<'r i'>, matrix: AnyMatrix, bias?: AnyValue): Value<'r o'> {
  const shift = bias && cast(g, named<'o'>(bias), x.dtype)
  if ('blocks' in matrix) return matmulBlocks(g, x, matrix, shift)
  if ('columns' in matrix) return matmulColumns(g, x, matrix, shift)
  if ('narrow' in matrix) return matmulNarrow(g, x, matrix, shift)
  return matmulTransposed(g, x, cast(g, named<'o i'>(matrix), x.dtype), shift)
}

/**
 * The same on the last axis of a tensor. Blocks are multiplied as they come. Whatever else takes rows gets them: shared, so
 * that what one matrix makes of the rows serves the next, as queries, keys and values read the same.
 *
 * @param x - `[b, t, i]`
 * @returns `[b, t, o]`
 */
export function applyToTokens(g: Graph, x: Value<'b t i'>, matrix: AnyMatrix, bias?: AnyValue): Value<'b t o'> {
  const [batch = 0, tokens = 0, inner = 0] = x.shape
  const takesTokens = 'blocks' in matrix && matrix.blocks.offsets === undefined
  if (takesTokens) return named(applyMatrix(g, named<'r i'>(x), matrix, bias))
  const rows = g.shared(`rows of ${x.name}`, () => reshape(g, x, 'r i', [elementCount([batch, tokens]), inner]))
  return reshape(g, applyMatrix(g, rows, matrix, bias), 'b t o', [batch, tokens, matrix.shape[0] ?? 0])
}

/**
 * Rows of a matrix, converted after they are picked: a table in a narrow type is never held in a wide one for this.
 *
 * @param matrix - `[o, i]` of any float type, or in blocks
 * @param ids - `[r]` int32 or int64
 * @returns `[r, i]` float32
 */
export function matrixRows(g: Graph, matrix: AnyMatrix, ids: Value<'r'>): Value<'r i'> {
  if ('blocks' in matrix) return gatherBlockRows(g, matrix, ids)
  if ('columns' in matrix) return g.fail('a table of rows', 'columns')
  if ('narrow' in matrix) return gatherNarrowRows(g, matrix, ids)
  return cast(g, gatherRows(g, matrix, ids, 'r i'), 'float32')
}
