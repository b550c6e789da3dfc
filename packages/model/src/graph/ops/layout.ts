/** Moving numbers without changing them. */
import type { Graph } from '../graph.ts'
import { type Dim, factorsOf, type Shape } from '../shape.ts'
import type { AnyValue, Value } from '../value.ts'

/**
 * The same elements in another shape.
 *
 * @param axes - names of the new axes
 * @param shape - the new sizes; symbolic ones must belong to an input of the model, or appear in `x` at the same place
 */
export function reshape<A extends string>(g: Graph, x: AnyValue, axes: A, shape: Shape): Value<A> {
  g.expectSameCount('a reshape', x.shape, shape)
  g.expectAxes(axes, shape)
  return g.call({ op: 'Reshape', inputs: [x, targetShape(g, x.shape, shape)] }, { dtype: x.dtype, shape })
}

/**
 * The new axes in the order of `permutation`, which lists old ones.
 *
 * @param axes - names of the new axes
 */
export function transpose<A extends string>(g: Graph, x: AnyValue, axes: A, permutation: readonly number[]): Value<A> {
  if (permutation.length !== x.shape.length) return g.fail(`a permutation of ${x.shape.length} axes`, `${permutation}`)
  const shape = permutation.map((axis) => x.shape[axis] ?? g.fail(`an axis below ${x.shape.length}`, `${axis}`))
  g.expectAxes(axes, shape)
  return g.call({ op: 'Transpose', inputs: [x], attributes: { perm: permutation } }, { dtype: x.dtype, shape })
}

/**
 * Rows of a table.
 *
 * @param table - `[v, d]`
 * @param ids - which rows, any shape, int32 or int64
 * @param axes - names of the result's axes: those of `ids`, then d
 */
export function gatherRows<A extends string>(g: Graph, table: AnyValue, ids: AnyValue, axes: A): Value<A> {
  const width = table.shape[1]
  if (table.shape.length !== 2 || width === undefined)
    return g.fail('a table of two axes', `${table.shape.length} axes`)
  const shape = [...ids.shape, width]
  g.expectAxes(axes, shape)
  return g.call({ op: 'Gather', inputs: [table, ids] }, { dtype: table.dtype, shape })
}

/** The first `count` columns. @param x - `[r, i]` */
export function firstColumns<A extends string>(g: Graph, x: Value<A>, count: number): Value<A> {
  const [rows = 0, width] = x.shape
  if (width === count) return x
  const numbers = [0, count, 1].map((number) => g.constant('int64', 'r', [1], BigInt64Array.of(BigInt(number))))
  const [start, end, axis] = numbers
  return g.call({ op: 'Slice', inputs: [x, start, end, axis] }, { dtype: x.dtype, shape: [rows, count] })
}

/** Columns of the first matrix, then of the next. All have the same rows. @param parts - `[r, o]` */
export function besideEachOther<A extends string>(g: Graph, parts: readonly Value<A>[]): Value<A> {
  const [first] = parts
  if (first === undefined) return g.fail('at least one matrix', 'none')
  if (parts.length === 1) return first
  const columns = parts.reduce((sum, { shape }) => sum + Number(shape[1]), 0)
  const call = { op: 'Concat', inputs: parts, attributes: { axis: 1 } }
  return g.call(call, { dtype: first.dtype, shape: [first.shape[0] ?? 0, columns] })
}

/** Zeros after the last column, up to `count` columns. @param x - `[r, i]` */
export function padColumns<A extends string>(g: Graph, x: Value<A>, count: number): Value<A> {
  const [rows = 0, width = 0] = x.shape
  if (width === count) return x
  const missing = BigInt64Array.from([0, 0, 0, count - Number(width)], BigInt)
  const pads = g.constant('int64', 'r', [4], missing)
  return g.call({ op: 'Pad', inputs: [x, pads] }, { dtype: x.dtype, shape: [rows, count] })
}

/** The last column of each row. @returns `[b]` */
export function lastOfEachRow<B extends string, T extends string>(g: Graph, x: Value<`${B} ${T}`>): Value<B> {
  const [rows = 0] = x.shape
  const last = g.constant('int64', '', [], BigInt64Array.of(-1n))
  return g.call({ op: 'Gather', inputs: [x, last], attributes: { axis: 1 } }, { dtype: x.dtype, shape: [rows] })
}

/**
 * In each row, the elements at that row's own indices.
 *
 * @param x - `[b, s]`
 * @param indices - `[b, t]`, int32 or int64, each in `[0, s)`
 */
export function pickInRows<B extends string, S extends string, T extends string>(
  g: Graph,
  x: Value<`${B} ${S}`>,
  indices: Value<`${B} ${T}`>,
): Value<`${B} ${T}`> {
  g.expectShape('indices', indices, [x.shape[0], undefined])
  const call = { op: 'GatherElements', inputs: [x, indices], attributes: { axis: 1 } }
  return g.call(call, { dtype: x.dtype, shape: indices.shape })
}

/**
 * `x` with some of its rows replaced.
 *
 * @param x - `[r, d]`
 * @param rows - `[m]` int64, the rows to replace, each once
 * @param updates - `[m, d]`
 */
export function replaceRows<A extends string>(g: Graph, x: Value<A>, rows: AnyValue, updates: AnyValue): Value<A> {
  const [count, width] = [rows.shape[0], x.shape[1]]
  g.expectShape('new rows', updates, [count, width])
  const indices = reshape(g, rows, 'm 1', [count ?? 0, 1])
  return g.call({ op: 'ScatterND', inputs: [x, indices, updates] }, x)
}

/** `0, 1, ... length - 1` as int64, where `length` may be a product of symbolic sizes. */
export function countUp(g: Graph, length: Dim): Value<'r'> {
  const zero = g.constant('int64', '', [], BigInt64Array.of(0n))
  const one = g.constant('int64', '', [], BigInt64Array.of(1n))
  const end = reshape(g, sizeOf(g, length), '', [])
  return g.call({ op: 'Range', inputs: [zero, end, one] }, { dtype: 'int64', shape: [length] })
}

/** One size as a graph value of shape `[1]`. */
export function sizeOf(g: Graph, size: Dim): Value<'1'> {
  if (typeof size === 'number') return g.constant('int64', '1', [1], BigInt64Array.of(BigInt(size)))
  if (!size.includes('*')) return g.lengthOf(size)
  const factors = factorsOf(size).map((factor) => sizeOf(g, factor))
  return factors.reduce((product, factor) => g.call({ op: 'Mul', inputs: [product, factor] }, product))
}

/**
 * The second input of Reshape. There, 0 keeps a size and -1 stands for the one that follows from the others; only when
 * that is not enough the sizes are computed at run time.
 */
function targetShape(g: Graph, from: Shape, to: Shape): AnyValue {
  const plain = to.map((dim, axis) => (typeof dim === 'number' ? dim : dim === from[axis] ? 0 : -1))
  if (plain.filter((dim) => dim === -1).length <= 1) {
    return g.constant('int64', 'r', [plain.length], BigInt64Array.from(plain, BigInt))
  }
  const sizes = to.map((dim) => sizeOf(g, dim))
  return g.call({ op: 'Concat', inputs: sizes, attributes: { axis: 0 } }, { dtype: 'int64', shape: [to.length] })
}
