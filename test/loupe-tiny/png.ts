/** A minimal PNG writer for the generated pictures: 8-bit RGB, one filter, no options. */

import { crc32, deflateSync } from 'node:zlib'

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
const truecolour = 2
/** Filter "up": flat areas become runs of zeros. */
const filterUp = 2

/**
 * Encodes RGB bytes as a PNG file.
 *
 * @param pixels interleaved RGB bytes, row by row: `[height, width, 3]`
 * @see PNG specification, third edition, sections 5 (chunks) and 9 (filters)
 */
export function encodePng(pixels: Uint8Array, width: number, height: number): Uint8Array {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, truecolour, 0, 0, 0], 8)
  const parts = [
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(filterRows(pixels, width * 3, height), { level: 9 })),
    chunk('IEND', new Uint8Array(0)),
  ]
  return Buffer.concat(parts)
}

function filterRows(pixels: Uint8Array, rowBytes: number, height: number): Uint8Array {
  const filtered = new Uint8Array((rowBytes + 1) * height)
  for (let y = 0; y < height; y += 1) {
    const row = y * (rowBytes + 1)
    filtered[row] = filterUp
    for (let at = 0; at < rowBytes; at += 1) {
      const above = y === 0 ? 0 : (pixels[(y - 1) * rowBytes + at] ?? 0)
      filtered[row + 1 + at] = (pixels[y * rowBytes + at] ?? 0) - above
    }
  }
  return filtered
}

/** Length, type, data and the checksum over type and data. */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(12 + data.length)
  bytes.writeUInt32BE(data.length, 0)
  bytes.write(type, 4, 'latin1')
  bytes.set(data, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length)
  return bytes
}
