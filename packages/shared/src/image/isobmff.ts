import { latin1 } from './bytes.ts'
import { checkChunks, type ImageLimits, malformed } from './limits.ts'

/** One box of the ISO base media file format. */
export interface MediaBox {
  /** Four characters. */
  readonly type: string
  readonly payload: Uint8Array
}

/** Reads numbers, most significant byte first. Every method throws AppError `image.malformed` past the end. */
export interface ByteCursor {
  /** @param length - bytes of the number, 0 to 8; above 2^53 it is no longer exact, and larger than any file */
  uint(length: number): number
  /** Four characters. */
  tag(): string
  /** Version and flags of a full box. */
  versionAndFlags(): { readonly version: number; readonly flags: number }
  readonly left: number
}

const LARGE_SIZE = 1
const TO_THE_END = 0

/** @param what - what is read, as it reads in a sentence */
export function byteCursor(bytes: Uint8Array, what: string): ByteCursor {
  let at = 0
  const advance = (length: number) => {
    if (at + length > bytes.byteLength) throw malformed(`Expected more bytes in ${what}, found its end.`)
    at += length
    return at - length
  }
  const uint = (length: number) => {
    const from = advance(length)
    return bytes.subarray(from, from + length).reduce((value, byte) => value * 256 + byte, 0)
  }
  return {
    uint,
    tag() {
      const from = advance(4)
      return latin1(bytes, from, from + 4)
    },
    versionAndFlags: () => ({ version: uint(1), flags: uint(3) }),
    get left() {
      return bytes.byteLength - at
    },
  }
}

/**
 * The boxes of one level.
 *
 * @throws AppError `image.malformed` for a box that reaches beyond its parent, `image.too_large` for too many
 * @see ISO/IEC 14496-12, section 4.2
 */
export function readBoxes(bytes: Uint8Array, limits: ImageLimits): MediaBox[] {
  const boxes: MediaBox[] = []
  for (let at = 0; at < bytes.byteLength; ) {
    const cursor = byteCursor(bytes.subarray(at), 'a box header')
    const short = cursor.uint(4)
    const type = cursor.tag()
    const size = short === LARGE_SIZE ? cursor.uint(8) : short === TO_THE_END ? bytes.byteLength - at : short
    const headerBytes = short === LARGE_SIZE ? 16 : 8
    if (size < headerBytes) throw malformed(`Expected a box of at least ${headerBytes} bytes, found ${size}.`)
    if (at + size > bytes.byteLength) {
      throw malformed(
        `Expected ${size} bytes of the box ${JSON.stringify(type)}, found ${bytes.byteLength - at}: it is truncated.`,
      )
    }
    boxes.push({ type, payload: bytes.subarray(at + headerBytes, at + size) })
    checkChunks(boxes.length, limits)
    at += size
  }
  return boxes
}
