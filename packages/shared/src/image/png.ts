import { AppError } from '../errors/index.ts'
import { malformed } from './limits.ts'
import type { PngHeader } from './png-header.ts'
import { rowToRgb, unfilter } from './png-pixels.ts'

/** Rows of one pass over the picture: the whole of it, or one of the seven of Adam7. */
interface Pass {
  readonly x: number
  readonly y: number
  readonly stepX: number
  readonly stepY: number
  readonly columns: number
  readonly rows: number
}

/** @see PNG (Third Edition), section 8.1 */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const

/** Small pieces keep what the decompressor holds small. */
const FEED_BYTES = 65_536

/**
 * Decodes a PNG row by row into `onRow`, as RGB. Memory is a few rows; an interlaced picture is held whole.
 *
 * Reading stops after the last row, so that surplus data costs nothing, however far it would expand. Bytes after the end
 * of the zlib stream are passed over, as in Pillow: by Node, and by workerd with the compatibility flag
 * `no_strict_compression_checks`. A browser refuses such a file, as the Compression Streams standard demands.
 *
 * @throws AppError `image.malformed`
 */
export async function decodePng(header: PngHeader, onRow: (row: Uint8Array) => void): Promise<void> {
  const { width, height, isInterlaced } = header
  const passes = isInterlaced ? interlacedPasses(width, height) : [wholePass(width, height)]
  const toRgb = rowToRgb(header)
  const canvas = new Uint8Array(width * 3 * (isInterlaced ? height : 1))
  const scanlines = scanlineReader(header, passes, (row, pass, y) => {
    const from = isInterlaced ? ((pass.y + y * pass.stepY) * width + pass.x) * 3 : 0
    toRgb(row, pass.columns, { rgb: canvas, from, step: pass.stepX * 3 })
    if (!isInterlaced) onRow(canvas)
  })
  await inflate(header.data, scanlines)
  if (!isInterlaced) return
  for (let y = 0; y < height; y++) onRow(canvas.subarray(y * width * 3, (y + 1) * width * 3))
}

function wholePass(width: number, height: number): Pass {
  return { x: 0, y: 0, stepX: 1, stepY: 1, columns: width, rows: height }
}

function interlacedPasses(width: number, height: number): Pass[] {
  return ADAM7.map(([x, y, stepX, stepY]) => {
    const columns = Math.ceil((width - x) / stepX)
    return { x, y, stepX, stepY, columns, rows: Math.ceil((height - y) / stepY) }
  }).filter(({ columns, rows }) => columns > 0 && rows > 0)
}

/** Takes inflated bytes in any pieces. @returns true once every row of every pass is complete */
type ScanlineReader = (bytes: Uint8Array) => boolean

function scanlineReader(
  { channels, bitDepth }: PngHeader,
  passes: readonly Pass[],
  onScanline: (row: Uint8Array, pass: Pass, y: number) => void,
): ScanlineReader {
  const pixelBytes = Math.max(1, (channels * bitDepth) >> 3)
  const rowBytes = (pass: Pass) => 1 + Math.ceil((pass.columns * channels * bitDepth) / 8)
  let index = 0
  let y = 0
  let filled = 0
  let [row, above] = twoRows(passes, rowBytes)
  return (bytes) => {
    for (let at = 0; at < bytes.byteLength; ) {
      const pass = passes[index]
      if (pass === undefined) return true
      const length = rowBytes(pass)
      const part = bytes.subarray(at, at + length - filled)
      row.set(part, filled)
      filled += part.byteLength
      at += part.byteLength
      if (filled < length) return false
      unfilter(row[0] ?? 0, row.subarray(1, length), above.subarray(1, length), pixelBytes)
      onScanline(row.subarray(1, length), pass, y)
      filled = 0
      y++
      ;[row, above] = [above, row]
      if (y === pass.rows) {
        index++
        y = 0
        above.fill(0)
      }
    }
    return index === passes.length
  }
}

function twoRows(passes: readonly Pass[], rowBytes: (pass: Pass) => number): [Uint8Array, Uint8Array] {
  const longest = Math.max(...passes.map(rowBytes))
  return [new Uint8Array(longest), new Uint8Array(longest)]
}

async function inflate(data: readonly Uint8Array[], take: ScanlineReader): Promise<void> {
  const stream = new DecompressionStream('deflate')
  const reader = stream.readable.getReader()
  const writer = stream.writable.getWriter()
  // A failure here also fails the reading end, which reports it.
  feed(data, writer).catch(() => undefined)
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) throw malformed('Expected more rows in the PNG, found the end of its data: it is truncated.')
      if (take(value)) return
    }
  } catch (thrown) {
    throw AppError.isInstance(thrown) ? thrown : malformed('Expected PNG data that inflates, found damage.', thrown)
  } finally {
    // Nobody waits for these: either end may have failed already.
    reader.cancel().catch(() => undefined)
    writer.abort().catch(() => undefined)
  }
}

/** The writing end of a stream, in the terms that browsers, workerd and Node agree on. */
interface PieceWriter {
  write(piece: Uint8Array<ArrayBuffer>): Promise<void>
  close(): Promise<void>
}

async function feed(data: readonly Uint8Array[], writer: PieceWriter): Promise<void> {
  for (const piece of data) {
    for (let at = 0; at < piece.byteLength; at += FEED_BYTES) await writer.write(piece.slice(at, at + FEED_BYTES))
  }
  await writer.close()
}
