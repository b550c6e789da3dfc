import type { JpegHeader } from './jpeg-header.ts'
import { malformed } from './limits.ts'
import { type CodecExports, type CodecSession, forbidden, type WasmCodec, wasmCodec } from './wasm-codec.ts'
import { instantiate, type WasmModule } from './wasm-module.ts'

/** The exports of `@cwasm/jpeg-turbo` that are used. @see `turbojpeg.h` of libjpeg-turbo 2 */
interface JpegExports extends CodecExports {
  tjInitDecompress(): number
  tjDecompress2(
    handle: number,
    source: number,
    sourceBytes: number,
    target: number,
    width: number,
    pitch: number,
    height: number,
    pixelFormat: number,
    flags: number,
  ): number
  tjDestroy(handle: number): number
}

export type JpegCodec = WasmCodec<JpegExports>

const PIXELS_RGB = 0
const PIXELS_CMYK = 11

/** @param module - `@cwasm/jpeg-turbo/jpeg-turbo.wasm`, compiled */
export function jpegCodec(module: WasmModule): JpegCodec {
  const imports = {
    // `setjmp` always continues; `longjmp` is how libjpeg reports an error it cannot recover from.
    env: { setjmp: () => 0, longjmp: forbidden('longjmp') },
    wasi_snapshot_preview1: {
      environ_sizes_get: () => 0,
      environ_get: forbidden('environ_get'),
      proc_exit: forbidden('proc_exit'),
      fd_close: forbidden('fd_close'),
      fd_seek: forbidden('fd_seek'),
      fd_write: forbidden('fd_write'),
    },
  }
  return wasmCodec('a JPEG', () => instantiate<JpegExports>(module, imports))
}

/**
 * Decodes a JPEG at the scale its header was given, row by row into `onRow`, as RGB.
 *
 * `tjDecompressHeader3` is left out: it refuses unusual sampling factors that `tjDecompress2` decodes exactly.
 *
 * @throws AppError `image.malformed`
 */
export function decodeJpeg(
  codec: JpegCodec,
  bytes: Uint8Array,
  header: JpegHeader,
  onRow: (row: Uint8Array) => void,
): void {
  codec.run((session) => {
    const { width, height } = header.decoded
    const pixelBytes = header.components === 4 ? 4 : 3
    const pixels = decompress(session, bytes, header, pixelBytes)
    const rgb = new Uint8Array(width * 3)
    for (let y = 0; y < height; y++) {
      const row = session.view(pixels + y * width * pixelBytes, width * pixelBytes)
      if (pixelBytes === 3) onRow(row)
      else onRow(cmykToRgb(row, rgb))
    }
  })
}

function decompress(
  { exports, allocate, copyIn, view }: CodecSession<JpegExports>,
  bytes: Uint8Array,
  { decoded: { width, height }, components }: JpegHeader,
  pixelBytes: number,
): number {
  const source = copyIn(bytes)
  const pixels = allocate(width * height * pixelBytes)
  const wasWritten = watchRows(() => view(pixels, width * height * pixelBytes), width * pixelBytes)
  const handle = exports.tjInitDecompress()
  if (handle === 0) throw malformed('Expected a JPEG that decodes, found no memory for the decoder.')
  const format = components === 4 ? PIXELS_CMYK : PIXELS_RGB
  // -1 is a warning: damaged data, and a picture all the same. Errors arrive as exceptions.
  exports.tjDecompress2(handle, source, bytes.byteLength, pixels, width, width * pixelBytes, height, format, 0)
  exports.tjDestroy(handle)
  if (!wasWritten()) throw malformed('Expected a JPEG that decodes, found no row that does.')
  return pixels
}

/** Below this, clearing costs nothing; above it, a row is long enough for a mark that no picture has by chance. */
const CLEARED_BYTES = 65_536
const MARK_BYTES = 32

/**
 * The decoder may give up before it wrote a row, and the memory may hold someone else's picture. Rows are written in their
 * order, so the end of the last one tells whether they were: to clear all of them would take a tenth of the time.
 *
 * @param rows - a view of the memory as it is now
 * @returns true when asked after a decode that wrote them
 */
function watchRows(rows: () => Uint8Array, rowBytes: number): () => boolean {
  if (rows().byteLength <= CLEARED_BYTES) {
    rows().fill(0)
    return () => true
  }
  const mark = crypto.getRandomValues(new Uint8Array(Math.min(MARK_BYTES, rowBytes)))
  rows().set(mark, rows().byteLength - mark.byteLength)
  return () =>
    rows()
      .subarray(-mark.byteLength)
      .some((byte, i) => byte !== mark[i])
}

/**
 * CMYK to RGB as Pillow does it: no profile, and samples taken as inverted, which is how Adobe writes them.
 * `round(sample * key / 255)` in integers.
 */
function cmykToRgb(cmyk: Uint8Array, rgb: Uint8Array): Uint8Array {
  for (let from = 0, to = 0; from < cmyk.length; from += 4) {
    const key = cmyk[from + 3] ?? 0
    for (let channel = 0; channel < 3; channel++, to++) {
      const product = (cmyk[from + channel] ?? 0) * key + 128
      rgb[to] = ((product >> 8) + product) >> 8
    }
  }
  return rgb
}
