import { AppError } from '@loupe/shared/errors'
import { ELEMENT_BYTES } from './dtype.ts'
import { PREFIX_BYTES, type StoredTensor, storedBytes } from './safetensors.ts'

const SPACE = 0x20

/** A tensor to write; any view of its elements will do. */
export type EncodableTensor = Omit<StoredTensor, 'data'> & { readonly data: ArrayBufferView }

/**
 * Writes a safetensors file. Tensors are ordered by falling element size, so that each lies aligned, then by name.
 *
 * @throws AppError `weights.invalid` if a tensor's data is not as long as its shape says
 */
export function encodeSafetensors(tensors: ReadonlyMap<string, EncodableTensor>): Uint8Array<ArrayBuffer> {
  const ordered = [...tensors].sort(([a, x], [b, y]) => {
    return ELEMENT_BYTES[y.dtype] - ELEMENT_BYTES[x.dtype] || (a < b ? -1 : 1)
  })
  const { header, dataBytes } = headerOf(ordered)
  const bytes = new Uint8Array(PREFIX_BYTES + header.byteLength + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.byteLength), true)
  bytes.set(header, PREFIX_BYTES)
  let at = PREFIX_BYTES + header.byteLength
  for (const [, { data }] of ordered) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    at += data.byteLength
  }
  return bytes
}

function headerOf(tensors: readonly (readonly [string, EncodableTensor])[]) {
  // Without a prototype a tensor may even be called `__proto__`.
  const entries: Record<string, unknown> = Object.create(null)
  let end = 0
  for (const [name, { dtype, shape, data }] of tensors) {
    const expected = storedBytes(dtype, shape)
    if (data.byteLength !== expected) {
      const found = `${dtype} [${shape}], found ${data.byteLength}`
      throw new AppError('weights.invalid', `${name}: expected ${expected} bytes for ${found}.`)
    }
    entries[name] = { dtype, shape, data_offsets: [end, end + expected] }
    end += expected
  }
  const json = new TextEncoder().encode(JSON.stringify(entries))
  // The data must start at a multiple of eight; the format pads with spaces.
  const header = new Uint8Array(Math.ceil(json.byteLength / PREFIX_BYTES) * PREFIX_BYTES).fill(SPACE)
  header.set(json)
  return { header, dataBytes: end }
}
