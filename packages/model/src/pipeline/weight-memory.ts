import { isMatrix } from '../gemma3/names.ts'
import type { FloatWeight, StoredWeight } from '../gemma3/parameters.ts'
import type { BlockActivations, BlockMatrix } from '../graph/block-matrix.ts'
import type { ColumnMatrix } from '../graph/column-matrix.ts'
import { BYTES_PER_ELEMENT } from '../graph/runtime.ts'
import { elementsOf } from '../weights/dtype.ts'

/** Memory of two kinds, in bytes. */
export interface Memory {
  /** The process's own: there has to be room for it. */
  readonly ownBytes: number
  /** Pages of files that the process reads. The system takes them back when it needs room, and runs are slower then. */
  readonly pageBytes: number
}

/** How a weight is held. */
export interface HeldWeight extends Memory {
  /** For people: `float32`, `bfloat16 in its file`, `blocks of 32, 4 bits`. */
  readonly form: string
  /** How many numbers it has. */
  readonly parameters: number
}

/** What the memory of a weight depends on besides itself. */
export interface HoldingOptions {
  /** Whether the runtime brings the matrices of the part into its own layout, see `loadPart`. */
  readonly isPrepacked: boolean
  /** Whether 16-bit matrices stay so. */
  readonly keepStoredTypes: boolean
  readonly activations: BlockActivations
}

/**
 * How ONNX Runtime 1.30 holds a weight on a CPU, as measured by `test/bench/memory.ts`.
 *
 * - Blocks for 8-bit activations are copied: the bits as they are, the scale of each block, and its sum. Without 8-bit
 *   activations only bits that come in fours are copied, the scales are read from the file.
 * - Columns are copied. Floats are too, widened, in a part where something is in blocks or columns.
 * - In other parts float32 is read from its file, and so are 16 bits that are asked for; others are widened.
 * - Rows of the embedding table are read from the file, however the head holds it: see `tablePages`.
 */
export function heldWeight(name: string, weight: StoredWeight, options: HoldingOptions): HeldWeight {
  if ('blocks' in weight) return heldBlocks(weight.blocks, options.activations)
  if ('columns' in weight) return heldColumns(weight.columns)
  return heldFloats(name, weight, options)
}

function heldBlocks({ shape, bits, blockSize, quants, scales, offsets }: BlockMatrix, activations: BlockActivations) {
  const form = `blocks of ${blockSize}, ${bits} bits${offsets === undefined ? '' : ', offsets'}`
  const parameters = elementsOf(shape)
  // A matrix of floats, which is copied like any other.
  const offsetBytes = offsets?.bytes ?? 0
  if (activations === 'int8') {
    return { form, parameters, ownBytes: quants.bytes + 2 * scales.bytes + offsetBytes, pageBytes: 0 }
  }
  const copied = bits === 4 ? quants.bytes : 0
  return { form, parameters, ownBytes: copied + offsetBytes, pageBytes: quants.bytes - copied + scales.bytes }
}

function heldColumns({ shape, quants, scales }: ColumnMatrix): HeldWeight {
  const ownBytes = quants.bytes + scales.bytes
  return { form: 'columns, 8 bits', parameters: elementsOf(shape), ownBytes, pageBytes: 0 }
}

function heldFloats(name: string, { dtype, shape, bytes }: FloatWeight, options: HoldingOptions): HeldWeight {
  const parameters = elementsOf(shape)
  const isKept = dtype !== 'float32' && isMatrix(name) && options.keepStoredTypes
  const isRead = isKept || (dtype === 'float32' && !options.isPrepacked)
  if (isRead) return { form: `${dtype}, in its file`, parameters, ownBytes: 0, pageBytes: bytes }
  const form = dtype === 'float32' ? 'float32' : `${dtype}, widened`
  return { form, parameters, ownBytes: parameters * BYTES_PER_ELEMENT.float32, pageBytes: 0 }
}

/** Pages that a run takes into memory round a row that it reads; fewer where rows lie near each other. */
const ROW_WINDOW = 128 * 1024

/**
 * Pages of the embedding table that looking up some tokens reads, at most: rows are few bytes, pages are read many at a
 * time. None where the head reads all of the same pages in every run.
 */
export function tablePages(table: StoredWeight, tokens: number, { isPrepacked }: HoldingOptions): number {
  if ('columns' in table || (!('blocks' in table) && table.dtype === 'float32' && !isPrepacked)) return 0
  const files = 'blocks' in table ? [table.blocks.quants, table.blocks.scales, table.blocks.offsets] : [table]
  return files.reduce((sum, file) => sum + Math.min(file?.bytes ?? 0, tokens * ROW_WINDOW), 0)
}
