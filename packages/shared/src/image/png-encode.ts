import { crc32 } from '../crc32.ts'
import { concatBytes } from './bytes.ts'
import type { Size } from './orientation.ts'

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
const RGB = 2

/**
 * Writes RGB pixels as a PNG: 8 bits, no filter. For looking at what the model sees.
 *
 * @param pixels - `[height, width, 3]` uint8
 * @returns the bytes of the file
 */
export async function encodePng(pixels: Uint8Array, { width, height }: Size): Promise<Uint8Array> {
  const rowBytes = width * 3
  const scanlines = new Uint8Array(height * (rowBytes + 1))
  for (let y = 0; y < height; y++) {
    scanlines.set(pixels.subarray(y * rowBytes, (y + 1) * rowBytes), y * (rowBytes + 1) + 1)
  }
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header.set([8, RGB], 8)
  const data = await deflate(scanlines)
  return concatBytes([
    Uint8Array.from(SIGNATURE),
    pngChunk('IHDR', header),
    pngChunk('IDAT', data),
    pngChunk('IEND', new Uint8Array(0)),
  ])
}

/** One chunk: length, type, payload, checksum. */
export function pngChunk(type: string, payload: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(payload.byteLength + 12)
  const view = new DataView(chunk.buffer)
  view.setUint32(0, payload.byteLength)
  chunk.set(new TextEncoder().encode(type), 4)
  chunk.set(payload, 8)
  view.setUint32(payload.byteLength + 8, crc32(chunk.subarray(4, payload.byteLength + 8)))
  return chunk
}

async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
