import { concatBytes, latin1Bytes, latin1Text, littleEndian24, littleEndian32, viewOf } from './bytes.ts'

/** A chunk of a WebP, its length left out. */
export interface RiffChunk {
  readonly type: string
  readonly payload: Uint8Array
}

/** Bytes of the fields before the pictures of an `ANMF`. */
export const FRAME_FIELDS = 16

/** The chunks of a WebP, as far as they are whole. */
export function splitWebp(bytes: Uint8Array): RiffChunk[] {
  return splitRiff(bytes.subarray(12))
}

/** The chunks in a row of them. */
export function splitRiff(bytes: Uint8Array): RiffChunk[] {
  const chunks: RiffChunk[] = []
  const view = viewOf(bytes)
  for (let at = 0; at + 8 <= bytes.byteLength; ) {
    const end = at + 8 + view.getUint32(at + 4, true)
    if (end > bytes.byteLength) break
    chunks.push({ type: latin1Text(bytes.subarray(at, at + 4)), payload: bytes.subarray(at + 8, end) })
    at = end + (end & 1)
  }
  return chunks
}

/** A WebP of these chunks. */
export function joinWebp(chunks: readonly RiffChunk[]): Uint8Array {
  const body = joinRiff(chunks)
  return concatBytes([latin1Bytes('RIFF'), littleEndian32(body.byteLength + 4), latin1Bytes('WEBP'), body])
}

/** A row of chunks. */
export function joinRiff(chunks: readonly RiffChunk[]): Uint8Array {
  return concatBytes(
    chunks.flatMap(({ type, payload }) => {
      const padding = new Uint8Array(payload.byteLength & 1)
      return [latin1Bytes(type), littleEndian32(payload.byteLength), payload, padding]
    }),
  )
}

/** The chunk that says what an extended WebP is. */
export function extendedChunk(flags: number, width: number, height: number): RiffChunk {
  const sides = [littleEndian24(width - 1), littleEndian24(height - 1)]
  return { type: 'VP8X', payload: concatBytes([littleEndian32(flags), ...sides]) }
}

/** Where a frame of an animation stands. */
export interface FramePlace {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** A frame of an animation. */
export function frameChunk({ x, y, width, height }: FramePlace, chunks: readonly RiffChunk[]): RiffChunk {
  const fields = [x >> 1, y >> 1, width - 1, height - 1, 100].map(littleEndian24)
  return { type: 'ANMF', payload: concatBytes([...fields, Uint8Array.of(0), joinRiff(chunks)]) }
}
