import { AppError } from '../errors/index.ts'
import { malformed } from './limits.ts'
import type { PngHeader } from './png-header.ts'
import { pngKernel } from './png-kernel.ts'
import { unfilter } from './png-pixels.ts'
import { createScanlines, type Scanlines } from './png-scanlines.ts'
import type { WasmModule } from './wasm-module.ts'

/** Decodes a PNG row by row into `onRow`, as RGB. */
export type PngDecoder = (header: PngHeader, onRow: (row: Uint8Array) => void) => Promise<void>

/** Small pieces keep what the decompressor holds small. */
const FEED_BYTES = 65_536

/**
 * Makes a decoder. Memory is a few rows; an interlaced picture is held whole. Reading stops after the last row, so that
 * surplus data costs nothing, however far it would expand, and what stands behind it is passed over, as in Pillow.
 *
 * @param module - `assets/png-simd.wasm`, compiled. Without it the host's `DecompressionStream` inflates: the rows are the
 * same, but on workerd the stream fails for a file with bytes after the end of its zlib stream and drops rows that it had
 * inflated, so that there such a file is refused.
 */
export function pngDecoder(module: WasmModule | undefined): PngDecoder {
  if (module === undefined) return decodeStreamed
  const decode = pngKernel(module)
  return async (header, onRow) => decode(header, onRow)
}

/** The plain decoder: the reference, and the fallback where SIMD is missing. @throws AppError `image.malformed` */
async function decodeStreamed(header: PngHeader, onRow: (row: Uint8Array) => void): Promise<void> {
  const pixelBytes = Math.max(1, (header.channels * header.bitDepth) >> 3)
  await inflate(header.data, scanlineReader(createScanlines(header, header, onRow), pixelBytes))
}

/** Takes inflated bytes in any pieces. @returns true once every row of every pass is complete */
type ScanlineReader = (bytes: Uint8Array) => boolean

function scanlineReader(scanlines: Scanlines, pixelBytes: number): ScanlineReader {
  let filled = 0
  let row = new Uint8Array(scanlines.longest)
  let above = new Uint8Array(scanlines.longest)
  return (bytes) => {
    for (let at = 0; at < bytes.byteLength && scanlines.byteLength > 0; ) {
      const length = scanlines.byteLength
      const part = bytes.subarray(at, at + length - filled)
      row.set(part, filled)
      filled += part.byteLength
      at += part.byteLength
      if (filled < length) return false
      if (scanlines.isFirst) above.fill(0)
      unfilter(row[0] ?? 0, row.subarray(1, length), above.subarray(1, length), pixelBytes)
      scanlines.take(row.subarray(1, length))
      filled = 0
      ;[row, above] = [above, row]
    }
    return scanlines.byteLength === 0
  }
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
