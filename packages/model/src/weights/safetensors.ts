/**
 * The safetensors format: little-endian throughout.
 *
 *     0            8                8 + n
 *     | n as u64   | JSON header    | data of all tensors, without gaps |
 *
 * The header maps a tensor's name to `{dtype, shape, data_offsets: [begin, end]}`, offsets counted from the data's start.
 *
 * @see https://huggingface.co/docs/safetensors
 */
import { AppError } from '@loupe/shared/errors'
import { ELEMENT_BYTES, isStoredDType, type StoredDType } from './dtype.ts'
import { isRecord, parseStrictJson } from './header-json.ts'

/** Bytes before the JSON header. */
export const PREFIX_BYTES = 8

/** Room for a hundred times the tensors of the largest Gemma 3; the format's own limit is 100 MB. */
const MAX_HEADER_BYTES = 16 * 1024 * 1024
const MAX_RANK = 8
const METADATA_KEY = '__metadata__'
const ENTRY_KEYS = ['data_offsets', 'dtype', 'shape']
const OPEN_BRACE = 0x7b

/** A tensor as a header describes it. */
export interface TensorEntry {
  /** As the file has it. */
  readonly name: string
  /** How its elements are stored. */
  readonly dtype: StoredDType
  /** Row-major. */
  readonly shape: readonly number[]
  /** First byte, counted from the start of the file. */
  readonly offset: number
  /** Length of its data. */
  readonly bytes: number
}

/** A stored tensor in memory. */
export interface StoredTensor {
  /** How its elements are stored. */
  readonly dtype: StoredDType
  /** Row-major. */
  readonly shape: readonly number[]
  /** The bytes of its elements, little-endian; not aligned to the element size. */
  readonly data: Uint8Array
}

/**
 * Reads the length of the JSON header.
 *
 * @param prefix - the first {@link PREFIX_BYTES} bytes of the file
 * @param fileBytes - length of the whole file
 * @throws AppError `weights.invalid` if the header is too long, or longer than the file
 */
export function headerLength(prefix: Uint8Array, fileBytes: number, file: string): number {
  if (prefix.byteLength < PREFIX_BYTES || fileBytes < PREFIX_BYTES) {
    throw new AppError('weights.invalid', `${file}: expected at least ${PREFIX_BYTES} bytes, found ${fileBytes}.`)
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true)
  const most = Math.min(MAX_HEADER_BYTES, fileBytes - PREFIX_BYTES)
  if (length < 2n || length > BigInt(most)) {
    throw new AppError('weights.invalid', `${file}: expected a header of 2 to ${most} bytes, found ${length}.`)
  }
  return Number(length)
}

/**
 * Reads a header. Every byte of the data must belong to exactly one tensor.
 *
 * @param header - the JSON header, as long as {@link headerLength} said
 * @param fileBytes - length of the whole file
 * @returns the tensors in the order of their data
 * @throws AppError `weights.invalid` for broken JSON, a key given twice, an unknown dtype, a size that does not fit the
 *   shape, an offset outside of the file, an overlap or a gap
 */
export function parseSafetensorsHeader(header: Uint8Array, fileBytes: number, file: string): TensorEntry[] {
  if (header[0] !== OPEN_BRACE) throw new AppError('weights.invalid', `${file}: expected the header to start with {.`)
  const { [METADATA_KEY]: metadata, ...tensors } = parseStrictJson(header, `${file}: header`)
  checkMetadata(metadata, file)
  const dataStart = PREFIX_BYTES + header.byteLength
  const entries = Object.entries(tensors).map(([name, value]) => parseEntry(name, value, dataStart, file))
  entries.sort((a, b) => a.offset - b.offset || a.bytes - b.bytes)
  checkCover(entries, dataStart, fileBytes, file)
  return entries
}

/**
 * Reads a whole file in memory. The data are views of `bytes`, nothing is copied.
 *
 * @throws AppError `weights.invalid` as {@link parseSafetensorsHeader}
 */
export function decodeSafetensors(bytes: Uint8Array, file = 'safetensors'): Map<string, StoredTensor> {
  const length = headerLength(bytes.subarray(0, PREFIX_BYTES), bytes.byteLength, file)
  const header = bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + length)
  const entries = parseSafetensorsHeader(header, bytes.byteLength, file)
  return new Map(
    entries.map(({ name, dtype, shape, offset, bytes: size }) => [
      name,
      { dtype, shape, data: bytes.subarray(offset, offset + size) },
    ]),
  )
}

function checkMetadata(metadata: unknown, file: string): void {
  if (metadata === undefined) return
  if (isRecord(metadata) && Object.values(metadata).every((value) => typeof value === 'string')) return
  throw new AppError('weights.invalid', `${file}: expected ${METADATA_KEY} to map strings to strings.`)
}

function parseEntry(name: string, value: unknown, dataStart: number, file: string): TensorEntry {
  const fail = (expected: string, found: unknown) =>
    new AppError('weights.invalid', `${file}: ${name}: expected ${expected}, found ${JSON.stringify(found)}.`)
  if (!isRecord(value) || Object.keys(value).sort().join() !== ENTRY_KEYS.join()) {
    throw fail('an object of dtype, shape and data_offsets', value)
  }
  const { dtype, shape, data_offsets: offsets } = value
  if (!isStoredDType(dtype)) throw fail(`one of ${Object.keys(ELEMENT_BYTES).join(', ')}`, dtype)
  if (!isSizes(shape) || shape.length > MAX_RANK) throw fail(`a shape of at most ${MAX_RANK} sizes`, shape)
  if (!isSizes(offsets)) throw fail('two offsets', offsets)
  const [begin, end, ...more] = offsets
  if (begin === undefined || end === undefined || more.length > 0 || begin > end) {
    throw fail('two offsets, the first not above the second', offsets)
  }
  const bytes = storedBytes(dtype, shape)
  if (bytes !== end - begin) throw fail(`${bytes} bytes for ${dtype} [${shape}]`, end - begin)
  return { name, dtype, shape, offset: dataStart + begin, bytes }
}

/**
 * Bytes of a tensor. `Infinity` when the number is too large to be exact, which no real size equals.
 */
export function storedBytes(dtype: StoredDType, shape: readonly number[]): number {
  if (shape.includes(0)) return 0
  const bytes = shape.reduce((product, size) => product * size, ELEMENT_BYTES[dtype])
  return Number.isSafeInteger(bytes) ? bytes : Number.POSITIVE_INFINITY
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0)
}

function checkCover(entries: readonly TensorEntry[], dataStart: number, fileBytes: number, file: string): void {
  let end = dataStart
  for (const { name, offset, bytes } of entries) {
    if (offset !== end) {
      const fault = offset < end ? 'overlaps the tensor before it' : 'leaves a gap before it'
      throw new AppError('weights.invalid', `${file}: ${name} ${fault}: expected offset ${end}, found ${offset}.`)
    }
    end += bytes
  }
  if (end === fileBytes) return
  throw new AppError('weights.invalid', `${file}: expected ${end} bytes as the header says, found ${fileBytes}.`)
}
