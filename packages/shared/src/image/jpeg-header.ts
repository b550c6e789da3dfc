import { concatBytes, latin1 } from './bytes.ts'
import { checkChunks, checkSize, type ImageLimits, malformed, tooLarge, unsupported } from './limits.ts'
import { type Orientation, readOrientation, type Size } from './orientation.ts'

/** What is known of a JPEG before it is decoded. */
export interface JpegHeader extends Size {
  readonly format: 'jpeg'
  readonly orientation: Orientation
  /** 1 grey, 3 colour, 4 CMYK or YCCK. */
  readonly components: number
  /** The DCT scale to decode at, in eighths. 8 is full size. */
  readonly scale: number
  /** The size it decodes to at that scale. */
  readonly decoded: Size
  /** Bytes that the decode will hold: the pixels, buffered coefficients and a copy of the file. */
  readonly heldBytes: number
}

interface Frame extends Size {
  readonly components: number
  readonly progressive: boolean
  /** Coefficients of all components, whole blocks. */
  readonly samples: number
}

interface Segment {
  readonly marker: number
  readonly payload: Uint8Array
}

const MARKER = {
  restart: 0xd0,
  startOfImage: 0xd8,
  endOfImage: 0xd9,
  startOfScan: 0xda,
  application1: 0xe1,
  temporary: 0x01,
  baseline: 0xc0,
  extended: 0xc1,
  progressive: 0xc2,
}
/** 0xc0 to 0xcf without the Huffman table, the reserved marker and the arithmetic conditioning. */
const isFrameMarker = (marker: number): boolean => (marker & 0xf0) === 0xc0 && ![0xc4, 0xc8, 0xcc].includes(marker)

const EXIF_PREFIX = 'Exif\0\0'
const XMP_PREFIX = 'http://ns.adobe.com/xap/1.0/\0'
const BLOCK_SIDE = 8
const COEFFICIENT_BYTES = 2

/**
 * Reads the frame header, the orientation and the chain of markers up to the end of the picture.
 *
 * Walking to the end marker is how a truncated file is told from a merely damaged one: the decoder fills what is missing
 * with grey and only warns, and so it must, since damage inside a scan is no reason to refuse a picture.
 *
 * @throws AppError `image.malformed`, `image.unsupported`, `image.too_large`
 * @see ITU-T T.81, annex B
 */
export function readJpegHeader(bytes: Uint8Array, limits: ImageLimits): JpegHeader {
  const found: Found = { frame: undefined, scans: 0, firstScanComponents: 0, exif: [], xmp: undefined }
  for (const segment of segments(bytes, limits)) {
    if (isFrameMarker(segment.marker)) takeFrame(found, segment, limits)
    else if (segment.marker === MARKER.startOfScan) takeScan(found, segment, limits)
    else if (segment.marker === MARKER.application1) takeMetadata(found, segment)
  }
  const { frame, scans, firstScanComponents, exif, xmp } = found
  if (frame === undefined || scans === 0) throw malformed('Expected a JPEG with a picture in it, found only markers.')

  const { width, height, components } = frame
  // Coefficients are buffered whenever one pass over the file does not give finished blocks.
  const buffered = frame.progressive || firstScanComponents < components ? frame.samples * COEFFICIENT_BYTES : 0
  const { scale, heldBytes } = jpegScale(frame, buffered + bytes.byteLength, limits)
  const orientation = readOrientation(exif.length === 0 ? undefined : concatBytes(exif), xmp)
  return { format: 'jpeg', width, height, orientation, components, scale, decoded: scaledSize(frame, scale), heldBytes }
}

/** What the walk has met so far. */
interface Found {
  frame: Frame | undefined
  scans: number
  firstScanComponents: number
  /** Pieces of one block: more than 64 KB of EXIF is spread over several segments. */
  readonly exif: Uint8Array[]
  xmp: Uint8Array | undefined
}

function takeFrame(found: Found, { marker, payload }: Segment, limits: ImageLimits): void {
  if (found.frame !== undefined) throw malformed('Expected one frame header in the JPEG, found two.')
  found.frame = readFrame(marker, payload, limits)
}

function takeScan(found: Found, { payload }: Segment, limits: ImageLimits): void {
  if (found.frame === undefined)
    throw malformed('Expected a frame header before the first scan of the JPEG, found none.')
  if (found.scans === 0) found.firstScanComponents = payload[0] ?? 0
  found.scans++
  if (found.scans > limits.jpegScans) throw tooLarge(`a JPEG of at most ${limits.jpegScans} scans`, 'more')
}

function takeMetadata(found: Found, { payload }: Segment): void {
  if (found.scans > 0) return
  if (latin1(payload, 0, EXIF_PREFIX.length) === EXIF_PREFIX) found.exif.push(payload.subarray(EXIF_PREFIX.length))
  else if (latin1(payload, 0, XMP_PREFIX.length) === XMP_PREFIX) found.xmp = payload.subarray(XMP_PREFIX.length)
}

/** The largest DCT scale whose decoded pixels fit beside `otherBytes`. */
function jpegScale(frame: Frame, otherBytes: number, limits: ImageLimits): { scale: number; heldBytes: number } {
  const channels = frame.components === 4 ? 4 : 3
  for (let scale = BLOCK_SIDE; scale > 0; scale--) {
    const { width, height } = scaledSize(frame, scale)
    const heldBytes = width * height * channels + otherBytes
    if (heldBytes <= limits.decodeBytes) return { scale, heldBytes }
  }
  throw tooLarge(
    `a JPEG that decodes in ${limits.decodeBytes} bytes`,
    `${frame.width}x${frame.height}${frame.progressive ? ' progressive' : ''}, which needs more`,
  )
}

function scaledSize({ width, height }: Size, scale: number): Size {
  return { width: Math.ceil((width * scale) / BLOCK_SIDE), height: Math.ceil((height * scale) / BLOCK_SIDE) }
}

function* segments(bytes: Uint8Array, limits: ImageLimits): Generator<Segment> {
  let at = 2
  for (let count = 0; ; ) {
    const start = nextMarker(bytes, at)
    const marker = bytes[start] ?? 0
    at = start + 1
    if (marker === MARKER.endOfImage) return
    if (marker === MARKER.startOfImage) throw malformed('Expected one start marker in the JPEG, found two.')
    if (isBare(marker)) continue
    checkChunks(++count, limits)
    const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
    if (at + Math.max(length, 2) > bytes.byteLength) throw truncated()
    if (length < 2) throw malformed(`Expected a JPEG segment of at least 2 bytes, found ${length}.`)
    yield { marker, payload: bytes.subarray(at + 2, at + length) }
    at += length
  }
}

/** Markers without a segment. They cost nothing and are not counted: a scan may have thousands of restarts. */
function isBare(marker: number): boolean {
  return marker === MARKER.temporary || (marker & 0xf8) === MARKER.restart
}

/** The code of the next marker: the first byte after 0xff that is neither fill nor a stuffed zero. */
function nextMarker(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at)) {
    while (bytes[at] === 0xff) at++
    if (at >= bytes.byteLength) break
    if (bytes[at] !== 0) return at
  }
  throw truncated()
}

function truncated(): Error {
  return malformed('Expected the JPEG to end with its end marker, found the end of the file: it is truncated.')
}

function readFrame(marker: number, payload: Uint8Array, limits: ImageLimits): Frame {
  if (![MARKER.baseline, MARKER.extended, MARKER.progressive].includes(marker)) {
    throw unsupported(`a JPEG with ${marker > 0xc8 ? 'arithmetic coding' : 'lossless or hierarchical coding'}`)
  }
  const [precision = 0, h1 = 0, h0 = 0, w1 = 0, w0 = 0, components = 0] = payload
  if (payload.byteLength < 6 || payload.byteLength !== 6 + 3 * components) {
    throw malformed(`Expected a JPEG frame header of 6 + 3 x components bytes, found ${payload.byteLength}.`)
  }
  if (precision !== 8) throw unsupported(`a JPEG with ${precision} bits a sample`)
  if (![1, 3, 4].includes(components)) throw unsupported(`a JPEG with ${components} components`)
  const size = { width: (w1 << 8) | w0, height: (h1 << 8) | h0 }
  const progressive = marker === MARKER.progressive
  checkSize(`a ${progressive ? 'progressive ' : ''}JPEG`, size, limits.side, limits.jpegPixels)
  return { ...size, components, progressive, samples: countSamples(size, payload.subarray(6)) }
}

function countSamples({ width, height }: Size, components: Uint8Array): number {
  const factors = [...components].filter((_, i) => i % 3 === 1).map((byte) => [byte >> 4, byte & 15] as const)
  const most = factors.reduce<readonly [number, number]>(
    ([x, y], [h, v]) => {
      if (h < 1 || h > 4 || v < 1 || v > 4)
        throw malformed(`Expected JPEG sampling factors of 1 to 4, found ${h}x${v}.`)
      return [Math.max(x, h), Math.max(y, v)]
    },
    [1, 1],
  )
  return factors.reduce((sum, [h, v]) => {
    const columns = Math.ceil((width * h) / most[0] / BLOCK_SIDE)
    const rows = Math.ceil((height * v) / most[1] / BLOCK_SIDE)
    return sum + columns * rows * BLOCK_SIDE * BLOCK_SIDE
  }, 0)
}
