/** Matrices in columns of 8 bits. */
import type { ColumnMatrix } from '../column-matrix.ts'
import type { Graph } from '../graph.ts'
import type { AnyColumns } from '../matrix.ts'
import { type AnyValue, named, type Value } from '../value.ts'
import { add, divideBy, multiply } from './arithmetic.ts'
import { elementwise, scalar } from './elementwise.ts'
import { reshape } from './layout.ts'

/**
 * How rows are rounded: what stands for 0, and how many steps lie above it. The largest is 127, not 255: without VNNI the
 * kernel adds pairs of products in 16 bits, where 2 · 127 · 127 has room and 2 · 255 · 127 has not.
 */
interface RowCode {
  readonly zero: number
  readonly steps: number
}

const SIGNED: RowCode = { zero: 64, steps: 63 }

/** Of rows that a GELU gave: hardly anything of them is negative. */
const BEHIND_GELU: RowCode = { zero: 16, steps: 111 }
/** GELU in its tanh form is nowhere below. */
const LEAST_OF_GELU = -0.17005

/** Throws unless the parts of a matrix fit each other. @throws AppError `graph.shape_mismatch` */
export function expectColumns(g: Graph, { shape: [outer, inner], quants, scales }: ColumnMatrix): void {
  g.expectShape('columns', quants, [inner, outer])
  g.expectShape('scales', scales, [outer])
}

/**
 * `x · weightᵀ + bias`, where each row of x is rounded to 7 bits of its own largest number, so that none pays for the
 * outliers of another:
 *
 *     Σ_i x_i w_i  ≈  row scale · column scale · Σ_i (p_i - zero) q_i
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
  const code = isGelu(g, x) ? BEHIND_GELU : SIGNED
  const scale = rowScales(g, x, code)
  const product = g.call<'r o'>(
    {
      op: 'MatMulIntegerToFloat',
      domain: 'com.microsoft',
      inputs: [
        quantizedRows(g, x, scale, code),
        g.stored(`${weight.name}.columns`, 'i o', quants),
        scalar(g, 'float32', 1),
        g.stored(`${weight.name}.scales`, 'o', scales),
        zeroOf(g, code),
      ],
    },
    { dtype: 'float32', shape: [rows, outer] },
  )
  const scaled = multiply(g, product, named<'r o'>(scale))
  if (bias === undefined) return scaled
  g.expectShape('a bias', bias, [outer])
  return add(g, scaled, reshape(g, bias, 'r o', [1, outer]))
}

/** Whether a GELU gave these numbers, in whatever shape. */
function isGelu(g: Graph, x: AnyValue): boolean {
  const call = g.callOf(x)
  const [from] = call?.inputs ?? []
  return call?.op === 'Gelu' || (call?.op === 'Reshape' && from !== undefined && isGelu(g, from))
}

/** What a step of each row is worth; built once, for every matrix that the rows meet. @returns `[r, 1]` */
function rowScales(g: Graph, x: Value<'r i'>, code: RowCode): Value<'r 1'> {
  return g.shared(`scales of the rows of ${x.name}`, () => {
    const result = { dtype: x.dtype, shape: [x.shape[0] ?? 0, 1] }
    const last = g.constant('int64', 'r', [1], BigInt64Array.of(-1n))
    const most = (of: Value<'r i'>) =>
      divideBy(
        g,
        g.call<'r 1'>({ op: 'ReduceMax', inputs: [of, last], attributes: { keepdims: 1 } }, result),
        code.steps,
      )
    if (code === SIGNED) return most(g.call({ op: 'Abs', inputs: [x] }, x))
    const least = scalar(g, x.dtype, -LEAST_OF_GELU / code.zero)
    return g.call({ op: 'Max', inputs: [most(x), least] }, result)
  })
}

/** Each row in steps, moved by the code's zero; built once, as {@link rowScales}. @returns `[r, i]` uint8 */
function quantizedRows(g: Graph, x: Value<'r i'>, scale: Value<'r 1'>, code: RowCode): Value<'r i'> {
  return g.shared(`rows of ${x.name} in 8 bits`, () => {
    const steps = elementwise(g, 'Div', x, named<'r i'>(scale))
    const call = { op: 'QuantizeLinear', inputs: [steps, scalar(g, x.dtype, 1), zeroOf(g, code)] }
    return g.call(call, { dtype: 'uint8', shape: x.shape })
  })
}

function zeroOf(g: Graph, { zero }: RowCode): Value<''> {
  return g.constant('uint8', '', [], Uint8Array.of(zero))
}
