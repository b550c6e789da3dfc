import { latin1 } from './bytes.ts'
import { checkChunks, checkSize, type ImageLimits, malformed } from './limits.ts'
import { type Orientation, readOrientation, type Size, UPRIGHT } from './orientation.ts'

/** What is known of a WebP before it is decoded. */
export interface WebpHeader extends Size {
  readonly format: 'webp'
  readonly orientation: Orientation
  /** A complete still WebP file: the file itself, or the first frame of an animation in a container of its own. */
  readonly still: readonly Uint8Array[]
  /** Where the still stands on the canvas, which is `width` by `height`. */
  readonly frame: Size & { readonly x: number; readonly y: number }
  /** Bytes that the decode will hold, the copy of the still among them. */
  readonly heldBytes: number
}

interface Chunk {
  readonly type: string
  readonly payload: Uint8Array
  /** With its header and padding. */
  readonly whole: Uint8Array
}

const EXTENDED_BYTES = 10
const FRAME_HEADER_BYTES = 16
const ALPHA_FLAG = 0x10
/** What libwebp holds for a pixel, the RGBA result included. */
const PIXEL_BYTES = { lossy: 4.2, alpha: 7.5, lossless: 8.4 }

/**
 * Reads the container of a WebP: the canvas, the first picture in it and the orientation.
 *
 * @throws AppError `image.malformed`, `image.too_large`
 * @see RFC 9649
 */
export function readWebpHeader(bytes: Uint8Array, limits: ImageLimits): WebpHeader {
  const chunks = riffChunks(bytes, limits)
  const [first] = chunks
  if (first?.type !== 'VP8X') {
    const { size, heldBytes } = checkBitstreams(chunks.slice(0, 1), limits)
    return {
      format: 'webp',
      ...size,
      orientation: UPRIGHT,
      still: [bytes],
      frame: { ...size, x: 0, y: 0 },
      heldBytes: heldBytes + bytes.byteLength,
    }
  }
  const canvas = canvasSize(first.payload)
  const payload = (type: string) => chunks.find((chunk) => chunk.type === type)?.payload
  const orientation = readOrientation(payload('EXIF'), payload('XMP '))
  const animation = payload('ANMF')
  if (animation !== undefined) {
    return { format: 'webp', ...canvas, orientation, ...animationFrame(animation, canvas, limits) }
  }
  const { size, heldBytes } = checkBitstreams(chunks, limits)
  if (size.width !== canvas.width || size.height !== canvas.height) {
    throw malformed(
      `Expected a WebP picture as large as its canvas, ${canvas.width}x${canvas.height}, found ${size.width}x${size.height}.`,
    )
  }
  return {
    format: 'webp',
    ...canvas,
    orientation,
    still: [bytes],
    frame: { ...canvas, x: 0, y: 0 },
    heldBytes: heldBytes + bytes.byteLength,
  }
}

function riffChunks(bytes: Uint8Array, limits: ImageLimits): Chunk[] {
  const end = uint32(bytes, 4) + 8
  // The canvas is judged first: it stands in the first 30 bytes even if the rest is missing.
  if (latin1(bytes, 12, 16) === 'VP8X' && bytes.byteLength >= 30) {
    checkSize('a WebP', canvasSize(bytes.subarray(20)), limits.side, limits.webpLossyPixels)
  }
  if (end > bytes.byteLength) throw truncated(`${end} bytes`, bytes.byteLength)
  return readChunks(bytes.subarray(12, end), limits)
}

function readChunks(bytes: Uint8Array, limits: ImageLimits): Chunk[] {
  const chunks: Chunk[] = []
  for (let at = 0; at + 8 <= bytes.byteLength; ) {
    const end = at + 8 + uint32(bytes, at + 4)
    if (end > bytes.byteLength) throw truncated(`a chunk up to byte ${end}`, bytes.byteLength)
    const next = Math.min(end + (end & 1), bytes.byteLength)
    chunks.push({
      type: latin1(bytes, at, at + 4),
      payload: bytes.subarray(at + 8, end),
      whole: bytes.subarray(at, next),
    })
    checkChunks(chunks.length, limits)
    at = next
  }
  return chunks
}

function canvasSize(payload: Uint8Array): Size {
  if (payload.byteLength < EXTENDED_BYTES) {
    throw malformed(`Expected ${EXTENDED_BYTES} bytes of extended WebP header, found ${payload.byteLength}.`)
  }
  return { width: uint24(payload, 4) + 1, height: uint24(payload, 7) + 1 }
}

/** The picture among `chunks`, checked against the limit of its kind, and what libwebp will hold for its pixels. */
function checkBitstreams(chunks: readonly Chunk[], limits: ImageLimits): { size: Size; heldBytes: number } {
  const picture = chunks.find(({ type }) => type === 'VP8 ' || type === 'VP8L')
  if (picture === undefined) throw malformed('Expected a VP8 or VP8L chunk in the WebP, found none.')
  const lossless = picture.type === 'VP8L'
  const size = lossless ? losslessSize(picture.payload) : lossySize(picture.payload)
  const heavy = lossless || chunks.some(({ type }) => type === 'ALPH')
  const kind = `a ${lossless ? 'lossless WebP' : heavy ? 'WebP with alpha' : 'lossy WebP'}`
  checkSize(kind, size, limits.side, heavy ? limits.webpLosslessPixels : limits.webpLossyPixels)
  const pixelBytes = PIXEL_BYTES[lossless ? 'lossless' : heavy ? 'alpha' : 'lossy']
  return { size, heldBytes: Math.ceil(size.width * size.height * pixelBytes) }
}

/** @see RFC 6386, section 9.1 */
function lossySize(payload: Uint8Array): Size {
  const isKeyFrame = ((payload[0] ?? 1) & 1) === 0
  if (payload.byteLength < 10 || !isKeyFrame || latin1(payload, 3, 6) !== '\x9d\x01\x2a') {
    throw malformed('Expected a VP8 key frame in the WebP, found something else.')
  }
  return { width: uint24(payload, 6) & 0x3fff, height: (uint24(payload, 7) >> 8) & 0x3fff }
}

function losslessSize(payload: Uint8Array): Size {
  if (payload.byteLength < 5 || payload[0] !== 0x2f) {
    throw malformed('Expected a VP8L signature in the WebP, found something else.')
  }
  const bits = uint32(payload, 1)
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
}

function animationFrame(
  payload: Uint8Array,
  canvas: Size,
  limits: ImageLimits,
): Pick<WebpHeader, 'still' | 'frame' | 'heldBytes'> {
  if (payload.byteLength < FRAME_HEADER_BYTES) throw truncated('an animation frame', payload.byteLength)
  const frame = {
    x: uint24(payload, 0) * 2,
    y: uint24(payload, 3) * 2,
    width: uint24(payload, 6) + 1,
    height: uint24(payload, 9) + 1,
  }
  if (frame.x + frame.width > canvas.width || frame.y + frame.height > canvas.height) {
    throw malformed('Expected the first frame of the WebP to lie on its canvas, found it to reach beyond.')
  }
  const chunks = readChunks(payload.subarray(FRAME_HEADER_BYTES), limits).filter(({ type }) =>
    /^(ALPH|VP8[ L])$/.test(type),
  )
  const { size, heldBytes } = checkBitstreams(chunks, limits)
  if (size.width !== frame.width || size.height !== frame.height) {
    throw malformed(
      `Expected a frame of ${frame.width}x${frame.height} in the WebP, found ${size.width}x${size.height}.`,
    )
  }
  return { still: stillFile(frame, chunks), frame, heldBytes: heldBytes + payload.byteLength }
}

/** A still WebP file around the chunks of one frame. */
function stillFile({ width, height }: Size, chunks: readonly Chunk[]): Uint8Array[] {
  const header = new Uint8Array(30)
  const view = new DataView(header.buffer)
  const text = (at: number, value: string) => header.set(new TextEncoder().encode(value), at)
  text(0, 'RIFF')
  view.setUint32(4, 22 + chunks.reduce((sum, { whole }) => sum + whole.byteLength, 0), true)
  text(8, 'WEBPVP8X')
  view.setUint32(16, EXTENDED_BYTES, true)
  header[20] = chunks.some(({ type }) => type !== 'VP8 ') ? ALPHA_FLAG : 0
  view.setUint32(24, width - 1, true)
  // Three bytes each; the height's low byte lands where the width's empty high byte was.
  view.setUint16(27, (height - 1) & 0xffff, true)
  return [header, ...chunks.map(({ whole }) => whole)]
}

function truncated(expected: string, found: number): Error {
  return malformed(`Expected ${expected} in the WebP, found ${found}: it is truncated.`)
}

function uint24(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)
}

function uint32(bytes: Uint8Array, at: number): number {
  return (uint24(bytes, at) | ((bytes[at + 3] ?? 0) << 24)) >>> 0
}
