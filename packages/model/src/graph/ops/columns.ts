/** Matrices in columns of 8 bits. */
import type { ColumnMatrix } from '../column-matrix.ts'
import type { Graph } from '../graph.ts'
import type { AnyColumns } from '../matrix.ts'
import { type AnyValue, named, type Value } from '../value.ts'
import { add, divideBy, multiply } from './arithmetic.ts'
import { elementwise, scalar } from './elementwise.ts'
import { reshape } from './layout.ts'

/** What stands for 0, in weights and in rows. */
const ZERO = 128
/** Steps from 0 to the largest magnitude of a row. */
const STEPS = 127

/** Throws unless the parts of a matrix fit each other. @throws AppError `graph.shape_mismatch` */
export function expectColumns(g: Graph, { shape: [outer, inner], quants, scales }: ColumnMatrix): void {
  g.expectShape('columns', quants, [inner, outer])
  g.expectShape('scales', scales, [outer])
}

/**
 * `x · weightᵀ + bias`, where each row of x is rounded to 8 bits of its own largest magnitude, so that none pays for the
 * outliers of another:
 *
 *     Σ_i x_i w_i  ≈  row scale · column scale · Σ_i (p_i - 128) (q_i - 128)
 *
 * The sums are whole numbers of 32 bits. A row of zeros is worth 0 a step, whatever its steps are then rounded to. A row
 * of NaN gives NaN, and one that holds an infinity no finite number. A NaN among numbers is taken for a number, for their
 * maximum does not see it: norms and attention spread a NaN over its row before it gets here, but a bias need not.
 *
 * @param x - `[r, i]` float32
 * @param bias - `[o]` float32
 * @returns `[r, o]` float32
 */
export function matmulColumns(g: Graph, x: Value<'r i'>, weight: AnyColumns, bias?: AnyValue): Value<'r o'> {
  const [rows = 0, width] = x.shape
  const [outer, inner] = weight.shape
  const { quants, scales } = weight.columns
  if (width !== inner) return g.fail(`a weight of shape [${outer}, ${width}]`, `[${weight.shape.join(', ')}]`)
  if (x.dtype !== 'float32') return g.fail('rows of float32', x.dtype)
  const zero = g.constant('uint8', '', [], Uint8Array.of(ZERO))
  const scale = rowScales(g, x)
  const product = g.call<'r o'>(
    {
      op: 'MatMulIntegerToFloat',
      domain: 'com.microsoft',
      inputs: [
        quantizedRows(g, x, scale),
        g.stored(`${weight.name}.columns`, 'i o', quants),
        scalar(g, 'float32', 1),
        g.stored(`${weight.name}.scales`, 'o', scales),
        zero,
        zero,
      ],
    },
    { dtype: 'float32', shape: [rows, outer] },
  )
  const scaled = multiply(g, product, named<'r o'>(scale))
  if (bias === undefined) return scaled
  g.expectShape('a bias', bias, [outer])
  return add(g, scaled, reshape(g, bias, 'r o', [1, outer]))
}

/** What a step of each row is worth; built once, for every matrix that the rows meet. @returns `[r, 1]` */
function rowScales(g: Graph, x: Value<'r i'>): Value<'r 1'> {
  return g.shared(`scales of the rows of ${x.name}`, () => {
    const last = g.constant('int64', 'r', [1], BigInt64Array.of(-1n))
    const magnitudes = g.call<'r i'>({ op: 'Abs', inputs: [x] }, x)
    const call = { op: 'ReduceMax', inputs: [magnitudes, last], attributes: { keepdims: 1 } }
    return divideBy(g, g.call<'r 1'>(call, { dtype: x.dtype, shape: [x.shape[0] ?? 0, 1] }), STEPS)
  })
}

/** Each row in steps from -127 to 127, moved by 128; built once, as {@link rowScales}. @returns `[r, i]` uint8 */
function quantizedRows(g: Graph, x: Value<'r i'>, scale: Value<'r 1'>): Value<'r i'> {
  return g.shared(`rows of ${x.name} in 8 bits`, () => {
    const steps = elementwise(g, 'Div', x, named<'r i'>(scale))
    const zero = g.constant('uint8', '', [], Uint8Array.of(ZERO))
    const call = { op: 'QuantizeLinear', inputs: [steps, scalar(g, x.dtype, 1), zero] }
    return g.call(call, { dtype: 'uint8', shape: x.shape })
  })
}
