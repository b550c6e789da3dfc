import { concatBytes } from './bytes.ts'
import { malformed } from './limits.ts'
import { type CodecExports, forbidden, type WasmCodec, wasmCodec } from './wasm-codec.ts'
import { instantiate, type WasmModule } from './wasm-module.ts'
import type { WebpHeader } from './webp-header.ts'

/** The exports of `@cwasm/webp` that are used. @see `webp/decode.h` of libwebp */
interface WebpExports extends CodecExports {
  WebPDecodeRGBA(source: number, sourceBytes: number, width: number, height: number): number
}

export type WebpCodec = WasmCodec<WebpExports>

/** @param module - `@cwasm/webp/webp.wasm`, compiled */
export function webpCodec(module: WasmModule): WebpCodec {
  const imports = {
    wasi_snapshot_preview1: {
      fd_close: forbidden('fd_close'),
      fd_seek: forbidden('fd_seek'),
      fd_write: forbidden('fd_write'),
    },
  }
  return wasmCodec('a WebP', () => instantiate<WebpExports>(module, imports))
}

/**
 * Decodes a WebP row by row into `onRow`, as RGBA. Of an animation it is the first frame on an empty canvas.
 *
 * @throws AppError `image.malformed`
 */
export function decodeWebp(codec: WebpCodec, header: WebpHeader, onRow: (row: Uint8Array) => void): void {
  codec.run((session) => {
    const { width, height, frame } = header
    const { exports, view } = session
    const bytes = concatBytes(header.still)
    const source = session.copyIn(bytes)
    const size = session.allocate(8)
    const pixels = exports.WebPDecodeRGBA(source, bytes.byteLength, size, size + 4)
    if (pixels === 0) throw malformed('Expected a WebP that decodes, found damaged data.')
    session.adopt(pixels)
    const found = new DataView(exports.memory.buffer, size, 8)
    if (found.getInt32(0, true) !== frame.width || found.getInt32(4, true) !== frame.height) {
      throw malformed('Expected the WebP decoder to agree with the header about the size, found it does not.')
    }
    const row = new Uint8Array(width * 4)
    for (let y = 0; y < height; y++) {
      const at = y - frame.y
      const isInside = at >= 0 && at < frame.height
      if (isInside) row.set(view(pixels + at * frame.width * 4, frame.width * 4), frame.x * 4)
      else row.fill(0)
      onRow(row)
    }
  })
}
