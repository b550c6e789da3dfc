import { type AvifCodec, avifCodec, decodeAvif } from './avif.ts'
import { decodeGif } from './gif.ts'
import type { ImageHeader } from './image-header.ts'
import { decodeJpeg, type JpegCodec, jpegCodec } from './jpeg.ts'
import type { ImageLimits } from './limits.ts'
import { pngDecoder } from './png.ts'
import type { ImageFormat } from './sniff.ts'
import type { WasmModule } from './wasm-module.ts'
import { decodeWebp, type WebpCodec, webpCodec } from './webp.ts'

/** Compiled modules of the codecs. How to get them is told in the module documentation of `@loupe/shared/image`. */
export interface ImageCodecs {
  /** `@cwasm/jpeg-turbo/jpeg-turbo.wasm` */
  readonly jpeg: WasmModule
  /** `@cwasm/webp/webp.wasm` */
  readonly webp: WasmModule
  /** `@jsquash/avif/codec/dec/avif_dec.wasm`; without it an AVIF is refused by name. */
  readonly avif?: WasmModule
  /** `assets/png-simd.wasm`; without it the host inflates, and filters are undone in plain code, with the same result. */
  readonly png?: WasmModule
  /** The SIMD resize; without it the plain one is used, with the same result. */
  readonly resize?: WasmModule
}

/** A file and what its decode may take. */
interface DecoderInput {
  readonly header: ImageHeader
  readonly bytes: Uint8Array
  readonly limits: ImageLimits
}

/** Decodes every format, with instances of the codecs that are kept from one picture to the next. */
export interface Decoder {
  /** Whether there is a decoder for a format. */
  decodes(format: ImageFormat): boolean
  /** @param onRow - gets the rows of the stored picture, RGB or RGBA; it must not keep them */
  decode(input: DecoderInput, onRow: (row: Uint8Array) => void): Promise<void>
  /** Bytes of memory that the codecs hold now. */
  readonly heldBytes: number
  /** Drops instances that have grown large. */
  trim(): void
}

type HeldCodec = Pick<JpegCodec | WebpCodec | AvifCodec, 'heldBytes' | 'trim'>

/** Bytes of a pixel in the rows that a format decodes to. */
export function decodedPixelBytes(format: ImageFormat): 3 | 4 {
  return format === 'webp' || format === 'avif' ? 4 : 3
}

/**
 * All decode in one go; only PNG without its module yields to other requests between its rows. Whatever decodes has the
 * memory for itself: a codec with nothing to do lets go of what a large picture left there, or of all it has where that is
 * needed.
 */
export function createDecoder(codecs: ImageCodecs): Decoder {
  const jpeg = jpegCodec(codecs.jpeg)
  const webp = webpCodec(codecs.webp)
  const decodePng = pngDecoder(codecs.png)
  const avif = codecs.avif === undefined ? undefined : avifCodec(codecs.avif)
  const byFormat: Partial<Record<ImageFormat, HeldCodec | undefined>> = { jpeg, webp, avif }
  const held = [jpeg, webp, avif].filter((codec) => codec !== undefined)
  return {
    decodes: (format) => format !== 'avif' || avif !== undefined,
    async decode({ header, bytes, limits }, onRow) {
      const idle = held.filter((codec) => codec !== byFormat[header.format])
      makeRoom(idle, limits.decodeBytes - header.heldBytes)
      if (header.format === 'png') return decodePng(header, onRow)
      if (header.format === 'gif') decodeGif(header, onRow)
      else if (header.format === 'jpeg') decodeJpeg(jpeg, bytes, header, onRow)
      else if (header.format === 'webp') decodeWebp(webp, header, onRow)
      else if (avif !== undefined) decodeAvif(avif, { bytes, header, decodeBytes: limits.decodeBytes }, onRow)
    },
    get heldBytes() {
      return totalBytes(held)
    },
    trim() {
      for (const codec of held) codec.trim()
    },
  }
}

/** @param roomBytes - that all of `idle` may keep together */
function makeRoom(idle: readonly HeldCodec[], roomBytes: number): void {
  for (const codec of idle) codec.trim()
  if (totalBytes(idle) > roomBytes) for (const codec of idle) codec.trim(0)
}

function totalBytes(codecs: readonly HeldCodec[]): number {
  return codecs.reduce((sum, codec) => sum + codec.heldBytes, 0)
}
