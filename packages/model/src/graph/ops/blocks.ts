/** Matrices in blocks of a few bits, read from where they are stored. */
import type { BlockActivations, BlockMatrix } from '../block-matrix.ts'
import type { Graph } from '../graph.ts'
import type { AnyBlocks } from '../matrix.ts'
import type { AnyValue, Value } from '../value.ts'
import { add, cast } from './arithmetic.ts'
import { firstColumns, gatherRows, padColumns, reshape } from './layout.ts'
import { matmulTransposed } from './linear.ts'

/** `accuracy_level`: 4 quantises each block of the other factor to 8 bits, 1 does not. */
const ACCURACY_LEVEL: Readonly<Record<BlockActivations, number>> = { int8: 4, float32: 1 }

/** Throws unless the parts of a matrix fit each other. @throws AppError `graph.shape_mismatch` */
export function expectBlocks(g: Graph, { shape, bits, blockSize, ...parts }: BlockMatrix): void {
  const [outer, inner] = shape
  const blocks = Math.ceil(inner / blockSize)
  g.expectShape('quants', parts.quants, [outer, blocks, (blockSize * bits) / 8])
  g.expectShape('scales', parts.scales, [outer, blocks])
  if (parts.offsets !== undefined) g.expectShape('offsets', parts.offsets, [outer, blocks])
}

/**
 * `x · weightᵀ + bias`.
 *
 * Offsets are constant within a block, so they multiply the sum of the block of x:
 *
 *     Σ_i x_i ((q_i - z) s + m)  =  Σ_i x_i (q_i - z) s  +  m Σ_i x_i
 *
 * ONNX Runtime 1.30 on a CPU packs every size of block, and a shorter last one, when it loads the model, except 8-bit
 * weights for float32 activations: those it widens whole in every run, 20 times the work for one row. Measured ratios
 * stand in the README.
 *
 * @param x - `[r, i]`; without offsets there may be more axes before the last
 * @param bias - `[o]`
 * @returns `[r, o]`
 */
export function matmulBlocks(g: Graph, x: Value<'r i'>, weight: AnyBlocks, bias?: AnyValue): Value<'r o'> {
  const width = x.shape.at(-1)
  const [outer, inner] = weight.shape
  const { bits, blockSize, quants, scales, offsets } = weight.blocks
  if (width !== inner) return g.fail(`a weight of shape [${outer}, ${width}]`, `[${weight.shape.join(', ')}]`)
  if (bias !== undefined) g.expectShape('a bias', bias, [outer])
  const product = g.call<'r o'>(
    {
      op: 'MatMulNBits',
      domain: 'com.microsoft',
      inputs: [
        x,
        g.stored(`${weight.name}.quants`, 'o c q', quants),
        cast(g, g.stored(`${weight.name}.scales`, 'o c', scales), x.dtype),
        undefined,
        undefined,
        bias,
      ],
      attributes: {
        K: inner,
        N: outer,
        bits,
        block_size: blockSize,
        accuracy_level: ACCURACY_LEVEL[weight.activations],
      },
    },
    { dtype: x.dtype, shape: [...x.shape.slice(0, -1), outer] },
  )
  if (offsets === undefined) return product
  const minima = cast(g, g.stored(`${weight.name}.offsets`, 'o c', offsets), x.dtype)
  return add<'r o'>(g, product, matmulTransposed(g, blockSums(g, x, blockSize), minima))
}

/**
 * Rows of a table.
 *
 * @param ids - `[r]` int32 or int64
 * @returns `[r, i]` float32, rounded as `weight` of {@link BlockMatrix} is written: after the product, after the sum
 */
export function gatherBlockRows(g: Graph, table: AnyBlocks, ids: Value<'r'>): Value<'r i'> {
  const [rows = 0] = ids.shape
  const [outer, inner] = table.shape
  const { bits, blockSize, quants, scales, offsets } = table.blocks
  const [, count = 0, blockBytes = 0] = quants.shape
  // The same bytes as for a product, in the shape that this operator wants.
  const bytes = g.stored(`${table.name}.rows`, 'o q', { ...quants, shape: [outer, count * blockBytes] })
  const scaled = g.call<'r i'>(
    {
      op: 'GatherBlockQuantized',
      domain: 'com.microsoft',
      inputs: [bytes, ids, g.stored(`${table.name}.scales`, 'o c', scales)],
      attributes: { bits, block_size: blockSize, gather_axis: 0, quantize_axis: 1 },
    },
    { dtype: 'float32', shape: [rows, count * blockSize] },
  )
  if (offsets === undefined) return firstColumns(g, scaled, inner)
  const minima = gatherRows(g, g.stored(`${table.name}.offsets`, 'o c', offsets), ids, 'r c')
  const inBlocks = reshape(g, scaled, 'r c i', [rows, count, blockSize])
  const sum = add(g, inBlocks, reshape(g, minima, 'r c i', [rows, count, 1]))
  return firstColumns(g, reshape(g, sum, 'r i', [rows, count * blockSize]), inner)
}

/** The sum of each block of a row; those of one `x` are built once, for every matrix that it meets. @returns `[r, blocks]` */
function blockSums(g: Graph, x: Value<'r i'>, blockSize: number): Value<'r i'> {
  return g.shared(`sums of ${blockSize} of ${x.name}`, () => {
    const [rows = 0, inner] = x.shape
    const blocks = Math.ceil(Number(inner) / blockSize)
    const inBlocks = reshape(g, padColumns(g, x, blocks * blockSize), 'r c i', [rows, blocks, blockSize])
    const last = g.constant('int64', 'r', [1], BigInt64Array.of(-1n))
    const call = { op: 'ReduceSum', inputs: [inBlocks, last], attributes: { keepdims: 0 } }
    return g.call(call, { dtype: x.dtype, shape: [rows, blocks] })
  })
}
