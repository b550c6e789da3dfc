import { AppError } from '../errors/index.ts'

/** What a picture may cost. Every number is checked against the header, before a decoder sees a byte. */
export interface ImageLimits {
  /** Bytes of one file. */
  readonly fileBytes: number
  /** Pixels along the longer side. */
  readonly side: number
  /** Chunks or segments of one file. */
  readonly chunks: number
  /** Pixels of a JPEG. */
  readonly jpegPixels: number
  /** Scans of one JPEG file. */
  readonly jpegScans: number
  /** Pixels of a PNG that is not interlaced. */
  readonly pngPixels: number
  /** Pixels of an interlaced PNG, which is held whole. */
  readonly pngInterlacedPixels: number
  /** Pixels of a lossy WebP without alpha. */
  readonly webpLossyPixels: number
  /** Pixels of a WebP that is lossless or carries alpha. */
  readonly webpLosslessPixels: number
  /** Pixels of a GIF, and of its first frame. */
  readonly gifPixels: number
  /** Pixels of an AVIF. */
  readonly avifPixels: number
  /** Frames in the data of one AVIF still picture. */
  readonly avifFrames: number
  /** Bytes that one decode may hold: the file, decoded pixels, and what the decoder buffers. */
  readonly decodeBytes: number
}

const MIB = 1024 * 1024

/**
 * How the memory of an isolate is shared out while one request decodes its last picture. What is left over, 6 MiB, is for
 * code and small objects. Codecs that idle count as part of the decode: they give up theirs when it needs the room.
 */
export const MEMORY_BUDGET = {
  /** What a Worker has, WebAssembly included. */
  isolateBytes: 128 * MIB,
  /** The body of a request: the text that holds its pictures as base64. */
  requestBytes: 12 * MIB,
  /** The file that is decoded. */
  fileBytes: 12 * MIB,
  /** What a decoder may hold; predicted from the header, and refused before a decoder is asked. */
  decodeBytes: 64 * MIB,
  /** Patches of 8 pictures, 2.3 MiB each. */
  patchesBytes: 19 * MIB,
  /** The tokenizer's table and its index. */
  tokenizerBytes: 15 * MIB,
} as const

/**
 * The limits that keep one decode inside a Worker's 128 MB, with room for the rest of the isolate.
 *
 * Camera classes are nominal: "12 MP" is 4032x3024 = 12.2 million pixels, "48 MP" is 8064x6048 = 48.8 million.
 */
export const LIMITS: ImageLimits = {
  // A 4K photograph as PNG has 11 MB; a 48 MP JPEG of usual quality 8 to 12.
  fileBytes: MEMORY_BUDGET.fileBytes,
  // WebP cannot hold more (14 bits) and no camera writes more; resize tables and rows stay below 1 MB.
  side: 16_384,
  // The largest PNG in pieces of 8 KB has 1,500. Each costs an object, and a file of empty ones has a million.
  chunks: 10_000,
  // Decoded at a reduced DCT scale, 48 MP cost 0.45 s and 40 MB. See `jpegScale`.
  jpegPixels: 50_000_000,
  // Encoders write about 10. Each scan of a progressive file is a pass over the whole picture, even an empty scan.
  jpegScans: 100,
  // Rows stream, so memory stays small; this bounds the time: 24 MP take about 2 s in the worst colour type.
  pngPixels: 25_000_000,
  // Adam7 delivers pixels out of order and needs the whole picture: 3 bytes a pixel.
  pngInterlacedPixels: 12_500_000,
  // libwebp decodes whole pictures to RGBA: 49 MB at 12 MP.
  webpLossyPixels: 12_500_000,
  // The same with an alpha plane or a lossless pixel buffer beside it: 90 to 101 MB at 12 MP, half of that at 6.
  webpLosslessPixels: 6_250_000,
  // Rows stream, an interlaced frame holds 1 byte a pixel; this bounds the time: 25 MP take 0.2 to 0.4 s, 12 MB of noise 0.6 s.
  gifPixels: 25_000_000,
  // The decoder takes 0.2 to 0.4 s a megapixel. The memory of a decode lets no more than 2.7 million through.
  avifPixels: 4_000_000,
  // A still picture is one frame, a layered one up to 4. The data may hide any number that are never shown.
  avifFrames: 4,
  // Half of a Worker's memory; the other half is shared out in `MEMORY_BUDGET`.
  decodeBytes: MEMORY_BUDGET.decodeBytes,
}

/** @throws AppError `image.empty`, or `image.too_large` if the file has more bytes than allowed */
export function checkFileBytes(bytes: Uint8Array, limits: ImageLimits): void {
  if (bytes.byteLength === 0) throw new AppError('image.empty', 'Expected the bytes of a picture, found none.')
  if (bytes.byteLength > limits.fileBytes) {
    throw tooLarge(`a file of at most ${limits.fileBytes} bytes`, `${bytes.byteLength} bytes`)
  }
}

/**
 * @param kind - as it reads in a sentence: `a progressive JPEG`
 * @throws AppError `image.malformed` for a side of 0, `image.too_large` for too long a side or too many pixels
 */
export function checkSize(kind: string, size: { width: number; height: number }, side: number, pixels: number): void {
  const { width, height } = size
  if (width < 1 || height < 1) throw malformed(`Expected ${kind} with at least one pixel, found ${width}x${height}.`)
  if (Math.max(width, height) > side) throw tooLarge(`sides of at most ${side} pixels`, `${width}x${height}`)
  if (width * height > pixels) {
    throw tooLarge(`${kind} of at most ${pixels} pixels`, `${width}x${height} = ${width * height}`)
  }
}

/** @throws AppError `image.too_large` once a file has given more chunks than allowed */
export function checkChunks(count: number, limits: ImageLimits): void {
  if (count > limits.chunks) throw tooLarge(`a file of at most ${limits.chunks} chunks`, 'more')
}

/**
 * @param kind - as it reads in a sentence
 * @param heldBytes - that decoding will hold, predicted from the header
 * @throws AppError `image.too_large`
 */
export function checkHeld(kind: string, heldBytes: number, limits: ImageLimits): void {
  if (heldBytes > limits.decodeBytes) {
    throw tooLarge(`${kind} that decodes in ${limits.decodeBytes} bytes`, `one that needs ${Math.ceil(heldBytes)}`)
  }
}

/** An `image.too_large` that says what was expected and what was found. */
export function tooLarge(expected: string, found: string): AppError {
  return new AppError('image.too_large', `Expected ${expected}, found ${found}.`)
}

/** An `image.malformed`. */
export function malformed(detail: string, cause?: unknown): AppError {
  return new AppError('image.malformed', detail, cause === undefined ? {} : { cause })
}

/** An `image.unsupported` that names what was found. */
export function unsupported(found: string): AppError {
  return new AppError('image.unsupported', `Expected a JPEG, PNG, WebP, GIF or AVIF picture, found ${found}.`)
}
