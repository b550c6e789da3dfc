import { type AvifHeader, readAvifHeader } from './avif-header.ts'
import { type GifHeader, readGifHeader } from './gif-header.ts'
import { type JpegHeader, readJpegHeader } from './jpeg-header.ts'
import { checkFileBytes, checkHeld, type ImageLimits, unsupported } from './limits.ts'
import { type PngHeader, readPngHeader } from './png-header.ts'
import { type ImageFormat, sniffFormat } from './sniff.ts'
import { readWebpHeader, type WebpHeader } from './webp-header.ts'

/** What is known of a file before a decoder sees it. Each kind has `heldBytes`: what its decode will hold. */
export type ImageHeader = JpegHeader | PngHeader | WebpHeader | GifHeader | AvifHeader

/**
 * Reads the header of a file and holds it against every limit, the memory of its decode included.
 *
 * @param decodable - formats for which there is a decoder
 * @throws AppError `image.empty`, `image.malformed`, `image.unsupported`, `image.too_large`
 */
export function readImageHeader(
  bytes: Uint8Array,
  limits: ImageLimits,
  decodable: (format: ImageFormat) => boolean,
): ImageHeader {
  checkFileBytes(bytes, limits)
  const format = sniffFormat(bytes)
  if (!decodable(format)) throw unsupported(`an ${format.toUpperCase()}, which is not switched on here`)
  const header = READERS[format](bytes, limits)
  checkHeld(`a picture (${format})`, header.heldBytes, limits)
  return header
}

const READERS: Readonly<Record<ImageFormat, (bytes: Uint8Array, limits: ImageLimits) => ImageHeader>> = {
  jpeg: readJpegHeader,
  png: readPngHeader,
  webp: readWebpHeader,
  gif: readGifHeader,
  avif: readAvifHeader,
}
