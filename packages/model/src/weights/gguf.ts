/**
 * The GGUF format, versions 2 and 3, little-endian.
 *
 *     "GGUF" | version u32 | tensors u64 | keys u64
 *     each key:     name | type u32 | value
 *     each tensor:  name | rank u32 | sizes u64, fastest axis first | type u32 | offset u64, from the data's start
 *     padding to a multiple of general.alignment
 *     the data of all tensors, in their order, each padded likewise
 *
 * A name is a length u64 and as many bytes of UTF-8.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import { AppError } from '@loupe/shared/errors'
import type { FileReader } from './checkpoint.ts'
import { GgufCursor } from './gguf-cursor.ts'
import { checkLayout } from './gguf-layout.ts'
import { type GgufMetadata, readGgufMetadata } from './gguf-metadata.ts'
import { GGUF_TYPES, type GgufTensor, ggufBytes, ggufDType } from './gguf-types.ts'

/** The header of a GGUF file. */
export interface GgufFile {
  /** Its name inside the folder. */
  readonly file: string
  /** Keys and values as they stand in the file, in its order. */
  readonly metadata: GgufMetadata
  /** By name, in the order of the file. */
  readonly tensors: ReadonlyMap<string, GgufTensor>
}

const MAGIC = 0x46_55_47_47
const VERSIONS = [2, 3]
/** The same versions as the other byte order writes them. */
const SWAPPED_VERSIONS = [0x0200_0000, 0x0300_0000]
/** The largest Gemma 3 has 808. */
const MAX_TENSORS = 65_536
/** The format's own limits. */
const MAX_NAME_BYTES = 64
const MAX_RANK = 4
/** Lengths of the name and the rank, one size, the type and the offset. */
const MIN_TENSOR_BYTES = 8 + 4 + 8 + 4 + 8
const DEFAULT_ALIGNMENT = 32
const MAX_ALIGNMENT = 65_536

/**
 * Reads the header of a GGUF file, in pieces of bounded size.
 *
 * @param file - its name, as `files` knows it
 * @throws AppError `weights.invalid` if there is no such file, or for anything that the format does not allow: a count
 *   that cannot be, a key or tensor given twice, an unknown type, a row that is not a whole number of blocks, a tensor
 *   that overlaps another or lies outside of the file
 */
export async function openGguf(files: FileReader, file: string): Promise<GgufFile> {
  const fileBytes = await files.size(file)
  if (fileBytes === undefined) throw new AppError('weights.invalid', `Expected ${file}, found no such file.`)
  const cursor = new GgufCursor(files, file, fileBytes)
  await readVersion(cursor)
  const tensorCount = await cursor.uint64('the number of tensors')
  const metadata = await readGgufMetadata(cursor, await cursor.uint64('the number of keys'))
  const count = cursor.checkCount('the number of tensors', tensorCount, MAX_TENSORS, MIN_TENSOR_BYTES)
  const tensors: GgufTensor[] = []
  for (let index = 0; index < count; index++) tensors.push(await readTensor(cursor, index))
  const alignment = alignmentOf(cursor, metadata)
  const dataStart = Math.ceil(cursor.position / alignment) * alignment
  return { file, metadata, tensors: checkLayout(tensors, { file, fileBytes, dataStart, alignment }) }
}

async function readVersion(cursor: GgufCursor): Promise<void> {
  const magic = await cursor.uint32('the magic number')
  if (magic !== MAGIC) throw cursor.fault('the magic number', '"GGUF"', `0x${magic.toString(16)}`)
  const version = await cursor.uint32('the version')
  if (SWAPPED_VERSIONS.includes(version)) throw cursor.fault('the byte order', 'little-endian', 'big-endian')
  if (!VERSIONS.includes(version)) throw cursor.fault('the version', VERSIONS.join(' or '), version)
}

/** @returns the tensor with its offset counted from the start of the data */
async function readTensor(cursor: GgufCursor, index: number): Promise<GgufTensor> {
  const name = await cursor.string(`the name of tensor ${index}`, MAX_NAME_BYTES)
  const rank = await cursor.uint32(`${name}: the rank`)
  if (rank < 1 || rank > MAX_RANK) throw cursor.fault(`${name}: the rank`, `1 to ${MAX_RANK}`, rank)
  const shape: number[] = []
  for (let axis = 0; axis < rank; axis++) shape.unshift(await safeUint64(cursor, `${name}: a size`))
  const id = await cursor.uint32(`${name}: the type`)
  const dtype = ggufDType(id)
  if (dtype === undefined) throw cursor.fault(`${name}: the type`, Object.keys(GGUF_TYPES).join(', '), `type ${id}`)
  const rowSize = shape.at(-1) ?? 0
  const { blockSize } = GGUF_TYPES[dtype]
  if (rowSize % blockSize !== 0) throw cursor.fault(`${name}: a row`, `whole blocks of ${blockSize}`, rowSize)
  const offset = await safeUint64(cursor, `${name}: the offset`)
  return { name, dtype, shape, file: cursor.file, offset, bytes: ggufBytes(dtype, shape) }
}

async function safeUint64(cursor: GgufCursor, what: string): Promise<number> {
  const value = await cursor.uint64(what)
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw cursor.fault(what, 'less than 2^53', value)
  return Number(value)
}

function alignmentOf(cursor: GgufCursor, metadata: GgufMetadata): number {
  const alignment = metadata.get('general.alignment') ?? DEFAULT_ALIGNMENT
  const isPower = typeof alignment === 'number' && Number.isInteger(Math.log2(alignment))
  if (isPower && alignment >= 8 && alignment <= MAX_ALIGNMENT) return alignment
  throw cursor.fault('general.alignment', `a power of two from 8 to ${MAX_ALIGNMENT}`, alignment)
}
