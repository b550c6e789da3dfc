import { bigEndian16, concatBytes } from './bytes.ts'

/** A marker of a JPEG with what follows it. */
export interface JpegSegment {
  readonly marker: number
  /** Without its length; undefined for a marker that stands alone. */
  readonly payload: Uint8Array | undefined
  /** Coded data up to the next marker, stuffed zeros and restart markers included. */
  readonly coded: Uint8Array
}

const START = 0xd8
const END = 0xd9
const NOTHING = new Uint8Array()

/** The segments of a JPEG, as far as they are whole. */
export function splitJpeg(bytes: Uint8Array): JpegSegment[] {
  const segments: JpegSegment[] = []
  for (let at = 0; at + 2 <= bytes.byteLength; ) {
    const marker = bytes[at + 1] ?? 0
    const isBare = marker === START || marker === END
    const length = isBare ? 0 : ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)
    const end = at + 2 + length
    if (bytes[at] !== 0xff || end > bytes.byteLength) break
    const next = nextMarker(bytes, end)
    const payload = isBare ? undefined : bytes.subarray(at + 4, end)
    segments.push({ marker, payload, coded: bytes.subarray(end, next) })
    at = next
  }
  return segments
}

/** The place of the next marker that is no restart. */
function nextMarker(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const code = bytes[at + 1] ?? 0
    const isCoded = code === 0 || code === 0xff || (code & 0xf8) === 0xd0
    if (!isCoded) return at
  }
  return bytes.byteLength
}

/** A JPEG of these segments. */
export function joinJpeg(segments: readonly JpegSegment[]): Uint8Array {
  return concatBytes(
    segments.flatMap(({ marker, payload, coded }) => {
      const head = Uint8Array.of(0xff, marker)
      return payload === undefined ? [head, coded] : [head, bigEndian16(payload.byteLength + 2), payload, coded]
    }),
  )
}

/** A segment without coded data. */
export function jpegSegment(marker: number, payload: Uint8Array): JpegSegment {
  return { marker, payload, coded: NOTHING }
}

/** True for the markers that begin a frame. */
export function isFrame({ marker }: JpegSegment): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
}

/** A JPEG that claims another size. */
export function resizedJpeg(bytes: Uint8Array, width: number, height: number): Uint8Array {
  return joinJpeg(
    splitJpeg(bytes).map((segment) => {
      if (!isFrame(segment) || segment.payload === undefined) return segment
      const payload = segment.payload.slice()
      payload.set([...bigEndian16(height), ...bigEndian16(width)], 1)
      return { ...segment, payload }
    }),
  )
}
