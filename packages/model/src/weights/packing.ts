import { AppError } from '@loupe/shared/errors'
import { allocateBlockRows, type BlockForm } from './block-rows.ts'
import { elementsOf, type FloatDType, isFloatDType, type StoredDType } from './dtype.ts'
import { GGUF_BLOCK_FORMS, type GgufBlockType, unpackGgufBlocks } from './gguf-blocks.ts'
import { dequantize } from './gguf-dequantize.ts'
import { type GgufDType, ggufBytes } from './gguf-types.ts'
import { narrow } from './narrow.ts'
import { quantizeRows } from './quantize.ts'
import { quantizeColumns } from './quantize-columns.ts'

/** What becomes of a weight when a checkpoint is rewritten. */
export type PackForm =
  /** Its bytes as they are. */
  | { readonly kind: 'stored' }
  /** Numbers of another type. */
  | { readonly kind: 'floats'; readonly dtype: FloatDType }
  /** The blocks of a GGUF, in the order of `block-rows.ts`. */
  | { readonly kind: 'blocks' }
  /** Blocks of our own. */
  | { readonly kind: 'quantized'; readonly bits: 4 | 8; readonly blockSize: number }
  /** 8 bits with one scale for each row, on their side: see `quantize-columns.ts`. */
  | { readonly kind: 'columns' }

/** A weight to pack. */
export interface PackableWeight {
  /** For error messages. */
  readonly name: string
  readonly dtype: GgufDType
  /** Row-major; everything but the last size counts rows. */
  readonly shape: readonly number[]
}

/** A tensor of the packed file; its name is that of the weight and the suffix. */
export interface PackedTensor {
  readonly suffix: '' | '.quants' | '.columns' | '.scales' | '.offsets'
  readonly dtype: StoredDType
  readonly shape: readonly number[]
}

/** The blocks that a weight is packed in; `undefined` if it is packed as numbers or columns. */
export function packedBlocks({ dtype }: PackableWeight, form: PackForm): BlockForm | undefined {
  if (form.kind === 'quantized') return { ...form, hasOffsets: false }
  return form.kind === 'blocks' ? GGUF_BLOCK_FORMS[blockType(dtype)] : undefined
}

/** What a weight becomes, in the order in which {@link packRows} gives it. */
export function packedTensors(weight: PackableWeight, form: PackForm): PackedTensor[] {
  const { shape } = weight
  if (form.kind === 'columns') return columnTensors(shape)
  const blocks = packedBlocks(weight, form)
  if (blocks === undefined) return [{ suffix: '', dtype: floatType(weight, form), shape }]
  const { rows, inner } = rowsOf(shape)
  const perRow = Math.ceil(inner / blocks.blockSize)
  const scales = { dtype: 'F32', shape: [rows, perRow] } as const
  return [
    { suffix: '.quants', dtype: 'U8', shape: [rows, perRow, (blocks.blockSize * blocks.bits) / 8] },
    { suffix: '.scales', ...scales },
    ...(blocks.hasOffsets ? ([{ suffix: '.offsets', ...scales }] as const) : []),
  ]
}

/**
 * Packs rows of a weight.
 *
 * @param bytes - of whole rows, as stored; of all rows if they become columns
 * @returns the same rows of each of {@link packedTensors}
 * @throws AppError `weights.invalid` naming the weight if one of the numbers is none, or too large for its new type
 */
export function packRows(weight: PackableWeight, form: PackForm, bytes: Uint8Array): Uint8Array[] {
  const { name, dtype, shape } = weight
  if (form.kind === 'stored') return [bytes]
  const { inner } = rowsOf(shape)
  const rows = bytes.byteLength / ggufBytes(dtype, [inner])
  if (form.kind === 'columns') return packColumns(weight, bytes)
  const blocks = packedBlocks(weight, form)
  if (blocks === undefined) return [bytesOf(toFloats(weight, floatType(weight, form), bytes))]
  const out = allocateBlockRows(blocks, rows, inner)
  const areNumbers =
    form.kind === 'quantized'
      ? quantizeRows(form.bits, dequantize(dtype, bytes), inner, { blockSize: form.blockSize, out })
      : unpackGgufBlocks(blockType(dtype), bytes, out)
  if (!areNumbers) throw notNumbers(name)
  const { quants, scales, offsets } = out
  return blocks.hasOffsets ? [quants, bytesOf(scales), bytesOf(offsets)] : [quants, bytesOf(scales)]
}

/** How many rows, of about so many weights together, are packed at a time: those of columns only all together. */
export function rowsOfPiece({ shape }: PackableWeight, form: PackForm, weights: number): number {
  const { rows, inner } = rowsOf(shape)
  return form.kind === 'columns' ? rows : Math.min(rows, Math.max(1, Math.floor(weights / inner)))
}

/** The sizes of a tensor as those of a matrix. */
export function rowsOf(shape: readonly number[]): { rows: number; inner: number } {
  return { rows: elementsOf(shape.slice(0, -1)), inner: shape.at(-1) ?? 1 }
}

function columnTensors(shape: readonly number[]): PackedTensor[] {
  const { rows, inner } = rowsOf(shape)
  return [
    { suffix: '.columns', dtype: 'I8', shape: [inner, rows] },
    { suffix: '.scales', dtype: 'F32', shape: [rows] },
  ]
}

function packColumns({ name, dtype, shape }: PackableWeight, bytes: Uint8Array): Uint8Array[] {
  const { rows, inner } = rowsOf(shape)
  const columns = quantizeColumns(dequantize(dtype, bytes), rows, inner)
  if (columns === undefined) throw notNumbers(name)
  return [bytesOf(columns.quants), bytesOf(columns.scales)]
}

function notNumbers(name: string): AppError {
  return new AppError('weights.invalid', `${name}: expected numbers, found an infinity or NaN.`)
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function toFloats({ name, dtype }: PackableWeight, to: FloatDType, bytes: Uint8Array): ArrayBufferView {
  const wide = dequantize(dtype, bytes)
  if (to === 'F32') return wide
  const found = narrow(to, wide)
  if (found !== undefined) return found
  throw new AppError('weights.invalid', `${name}: expected numbers in the range of ${to}, found one outside of it.`)
}

function floatType({ name, dtype }: PackableWeight, form: PackForm): FloatDType {
  if (form.kind === 'floats') return form.dtype
  if (isFloatDType(dtype)) return dtype
  throw new AppError('weights.invalid', `${name}: expected F32, F16 or BF16, found ${dtype}.`)
}

function blockType(dtype: GgufDType): GgufBlockType {
  if (!isFloatDType(dtype)) return dtype
  throw new AppError('weights.invalid', `Expected a weight in blocks, found ${dtype}.`)
}
