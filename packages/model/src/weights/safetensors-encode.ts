import { AppError } from '@loupe/shared/errors'
import { ELEMENT_BYTES } from './dtype.ts'
import { PREFIX_BYTES, type StoredTensor, storedBytes, type TensorEntry } from './safetensors.ts'

const SPACE = 0x20

/** A tensor to write. */
export type EncodableTensor = Omit<StoredTensor, 'data'> & {
  /** Any view of its elements, little-endian. */
  readonly data: ArrayBufferView
}

/** Where everything goes in a safetensors file. */
export interface SafetensorsLayout {
  /** What the file begins with: everything before the data. */
  readonly head: Uint8Array<ArrayBuffer>
  /** In the order of their data. */
  readonly entries: readonly TensorEntry[]
  readonly fileBytes: number
}

/**
 * Lays out a safetensors file. Tensors are ordered by falling element size, so that each lies aligned, then by name.
 */
export function layoutSafetensors(
  tensors: ReadonlyMap<string, Pick<StoredTensor, 'dtype' | 'shape'>>,
): SafetensorsLayout {
  const ordered = [...tensors].sort(([a, x], [b, y]) => {
    return ELEMENT_BYTES[y.dtype] - ELEMENT_BYTES[x.dtype] || (a < b ? -1 : 1)
  })
  // Without a prototype a tensor may even be called `__proto__`.
  const header: Record<string, unknown> = Object.create(null)
  let end = 0
  for (const [name, { dtype, shape }] of ordered) {
    const begin = end
    end += storedBytes(dtype, shape)
    header[name] = { dtype, shape, data_offsets: [begin, end] }
  }
  const head = encodeHead(header)
  let offset = head.byteLength
  const entries = ordered.map(([name, { dtype, shape }]) => {
    const entry = { name, dtype, shape, offset, bytes: storedBytes(dtype, shape) }
    offset += entry.bytes
    return entry
  })
  return { head, entries, fileBytes: offset }
}

/**
 * Writes a safetensors file, laid out as {@link layoutSafetensors} does.
 *
 * @throws AppError `weights.invalid` if a tensor's data is not as long as its shape says
 */
export function encodeSafetensors(tensors: ReadonlyMap<string, EncodableTensor>): Uint8Array<ArrayBuffer> {
  for (const [name, { dtype, shape, data }] of tensors) {
    const expected = storedBytes(dtype, shape)
    if (data.byteLength === expected) continue
    const found = `${dtype} [${shape}], found ${data.byteLength}`
    throw new AppError('weights.invalid', `${name}: expected ${expected} bytes for ${found}.`)
  }
  const { head, entries, fileBytes } = layoutSafetensors(tensors)
  const bytes = new Uint8Array(fileBytes)
  bytes.set(head)
  for (const { name, offset } of entries) {
    const { buffer, byteOffset, byteLength } = tensors.get(name)?.data ?? new Uint8Array()
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), offset)
  }
  return bytes
}

/** The data must start at a multiple of eight; the format pads with spaces. */
function encodeHead(header: Record<string, unknown>): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(header))
  const length = Math.ceil(json.byteLength / PREFIX_BYTES) * PREFIX_BYTES
  const head = new Uint8Array(PREFIX_BYTES + length).fill(SPACE)
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true)
  head.set(json, PREFIX_BYTES)
  return head
}
