/** The ways in which ONNX Runtime's CPU provider can multiply by a weight. */
import type { Graph, Value } from './graph-internals.ts'
import { type Matrix, type ScratchFile, toBlocks, toColumns } from './operator-weights.ts'

type Rows = Value<'r i'>

/** One way to compute `x · weightᵀ`. */
export interface Candidate {
  readonly name: string
  product(g: Graph, x: Rows, name: string, matrix: Matrix, file: ScratchFile): Value<'r o'>
}

const MICROSOFT = 'com.microsoft'

export const FLOAT32: Candidate = {
  name: 'Gemm float32',
  product(g, x, name, { outer, inner, data }, file) {
    const weight = g.stored(name, 'o i', file.append('float32', [outer, inner], data))
    const call = { op: 'Gemm', inputs: [x, weight], attributes: { transB: 1 } }
    return g.call(call, { dtype: 'float32', shape: [x.shape[0] ?? 0, outer] })
  },
}

/** Blocks of a few bits. Level 4 also rounds the activations, to 8 bits by blocks of their row; 0 leaves them as they are. */
export function blockwise(bits: 4 | 8, blockSize: number, accuracyLevel: 0 | 4): Candidate {
  return {
    name: `MatMulNBits int${bits} block ${blockSize} level ${accuracyLevel}`,
    product(g, x, name, matrix, file) {
      const { outer, inner } = matrix
      const { blocks, quants, scales } = toBlocks(matrix, bits, blockSize)
      const quantShape = [outer, blocks, (blockSize * bits) / 8]
      const q = g.stored(`${name}.quants`, 'o b q', file.append('uint8', quantShape, quants))
      const s = g.stored(`${name}.scales`, 'o b', file.append('float32', [outer, blocks], scales))
      const attributes = { K: inner, N: outer, bits, block_size: blockSize, accuracy_level: accuracyLevel }
      const call = { op: 'MatMulNBits', domain: MICROSOFT, inputs: [x, q, s], attributes }
      return g.call(call, { dtype: 'float32', shape: [x.shape[0] ?? 0, outer] })
    },
  }
}

/** Signed weights, or the same ones moved by 128. Without VNNI the kernel for signed ones saturates its 16-bit sums. */
type ColumnType = 'int8' | 'uint8'

/** A weight of 8 bits with a scale for each output; activations are rounded to 8 bits, one scale for the whole tensor. */
export function wholeTensor(type: ColumnType): Candidate {
  return {
    name: `DynamicQuantizeMatMul ${type}`,
    product(g, x, name, matrix, file) {
      const { b, scales, zero } = columns(g, name, matrix, file, type)
      const call = { op: 'DynamicQuantizeMatMul', domain: MICROSOFT, inputs: [x, b, scales, zero] }
      return g.call(call, { dtype: 'float32', shape: [x.shape[0] ?? 0, matrix.outer] })
    },
  }
}

/** The same weight; activations are rounded row by row, so that no row pays for the outliers of another. */
export function rowByRow(type: ColumnType): Candidate {
  return {
    name: `MatMulIntegerToFloat ${type}, rows to uint8`,
    product(g, x, name, matrix, file) {
      const { b, scales, zero } = columns(g, name, matrix, file, type)
      const rows = quantisedRows(g, x)
      const one = g.constant('float32', '', [], Float32Array.of(1))
      const inputs = [rows.q, b, one, scales, rows.zero, zero]
      const shape = [x.shape[0] ?? 0, matrix.outer]
      const call = { op: 'MatMulIntegerToFloat', domain: MICROSOFT, inputs }
      const product = g.call<'r o'>(call, { dtype: 'float32', shape })
      return g.call({ op: 'Mul', inputs: [product, rows.scale] }, { dtype: 'float32', shape })
    },
  }
}

function columns(g: Graph, name: string, matrix: Matrix, file: ScratchFile, type: ColumnType) {
  const { quants, scales } = toColumns(matrix)
  const data = type === 'int8' ? quants : Uint8Array.from(quants, (q) => q + 128)
  return {
    b: g.stored(`${name}.columns`, 'i o', file.append(type, [matrix.inner, matrix.outer], data)),
    scales: g.stored(`${name}.column_scales`, 'o', file.append('float32', [matrix.outer], scales)),
    zero: type === 'int8' ? undefined : g.constant('uint8', '', [], Uint8Array.of(128)),
  }
}

const quantised = new WeakMap<Graph, Map<string, ReturnType<typeof quantiseRows>>>()

/** Each row over its largest absolute value, to 8 bits round 128. Built once for each `x`. */
function quantisedRows(g: Graph, x: Rows) {
  const known = quantised.get(g) ?? new Map<string, ReturnType<typeof quantiseRows>>()
  quantised.set(g, known)
  const rows = known.get(x.name) ?? quantiseRows(g, x)
  known.set(x.name, rows)
  return rows
}

function quantiseRows(g: Graph, x: Rows) {
  const rows = x.shape[0] ?? 0
  const call = <A extends string>(op: string, inputs: Parameters<Graph['call']>[0]['inputs'], shape: typeof x.shape) =>
    g.call<A>({ op, inputs, attributes: op === 'ReduceMax' ? { keepdims: 1 } : {} }, { dtype: 'float32', shape })
  const axes = g.constant('int64', '1', [1], BigInt64Array.of(1n))
  const largest = call<'r 1'>('ReduceMax', [call('Abs', [x], x.shape), axes], [rows, 1])
  const most = g.constant('float32', '', [], Float32Array.of(127))
  const rowScale = call<'r 1'>('Div', [largest, most], [rows, 1])
  const zero = g.constant('uint8', '', [], Uint8Array.of(128))
  const unit = g.constant('float32', '', [], Float32Array.of(1))
  const scaled = call<'r i'>('Div', [x, rowScale], x.shape)
  const q = g.call<'r i'>({ op: 'QuantizeLinear', inputs: [scaled, unit, zero] }, { dtype: 'uint8', shape: x.shape })
  return { q, scale: rowScale, zero }
}

const BLOCK_SIZES = [16, 32, 64, 128, 256]

/** All that are compared. */
export const CANDIDATES: readonly Candidate[] = [
  FLOAT32,
  ...BLOCK_SIZES.flatMap((size) => [blockwise(4, size, 4), blockwise(4, size, 0)]),
  ...BLOCK_SIZES.map((size) => blockwise(8, size, 4)),
  // One is enough to see: there is no packed form, so every run expands the weight to float32 first.
  blockwise(8, 32, 0),
  wholeTensor('int8'),
  wholeTensor('uint8'),
  rowByRow('int8'),
  rowByRow('uint8'),
]
