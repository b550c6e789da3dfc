import { WIRE_LIMITS } from './limits.ts'
import { tensorError } from './tensor.ts'

/**
 * BYTES elements follow each other, each behind its length:
 *
 *     0            4              4+n          8+n
 *     | n  u32 LE  | n bytes ...  | m  u32 LE  | m bytes ...
 */
const LENGTH_BYTES = 4

/** Size of the elements on the wire. */
export function byteElementsSize(elements: readonly Uint8Array[]): number {
  return elements.reduce((sum, element) => sum + LENGTH_BYTES + element.byteLength, 0)
}

/** Writes the elements into `out`, which must have {@link byteElementsSize} bytes. */
export function writeByteElements(elements: readonly Uint8Array[], out: Uint8Array): void {
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength)
  let at = 0
  for (const element of elements) {
    view.setUint32(at, element.byteLength, true)
    out.set(element, at + LENGTH_BYTES)
    at += LENGTH_BYTES + element.byteLength
  }
}

/**
 * Reads exactly `count` elements that fill `bytes` to the last byte. The elements are views, not copies.
 *
 * @throws AppError `tensor.invalid`
 */
export function readByteElements(name: string, bytes: Uint8Array, count: number): Uint8Array[] {
  if (count > WIRE_LIMITS.byteElements || count * LENGTH_BYTES > bytes.byteLength) {
    throw tensorError(name, `expected ${count} elements, found only ${bytes.byteLength} bytes.`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const elements: Uint8Array[] = []
  let at = 0
  for (let index = 0; index < count; index++) {
    const start = at + LENGTH_BYTES
    const length = start <= bytes.byteLength ? view.getUint32(at, true) : Number.POSITIVE_INFINITY
    if (length > bytes.byteLength - start) {
      throw tensorError(name, `element ${index} is longer than the ${bytes.byteLength} bytes of the tensor.`)
    }
    elements.push(bytes.subarray(start, start + length))
    at = start + length
  }
  if (at !== bytes.byteLength) {
    throw tensorError(name, `expected ${at} bytes for ${count} elements, found ${bytes.byteLength}.`)
  }
  return elements
}
