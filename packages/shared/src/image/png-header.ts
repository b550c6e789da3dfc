import { crc32 } from '../crc32.ts'
import { latin1 } from './bytes.ts'
import { checkChunks, checkSize, type ImageLimits, malformed } from './limits.ts'
import { type Orientation, readOrientation, type Size } from './orientation.ts'

/** Pixel layouts of PNG. */
type PngColor = 'grey' | 'rgb' | 'palette' | 'grey-alpha' | 'rgba'

/** What is known of a PNG before it is decoded. */
export interface PngHeader extends Size {
  readonly format: 'png'
  readonly orientation: Orientation
  readonly color: PngColor
  /** Samples of a pixel as stored. */
  readonly channels: number
  /** Bits of a sample: 1, 2, 4, 8 or 16. */
  readonly bitDepth: number
  readonly isInterlaced: boolean
  /** RGB, 256 entries; those the file does not define are black. */
  readonly palette: Uint8Array
  /** The zlib stream, in the pieces the file has it in. */
  readonly data: readonly Uint8Array[]
  /** Bytes that the decode will hold beside the file. */
  readonly heldBytes: number
}

interface Chunk {
  readonly type: string
  readonly payload: Uint8Array
  /** @throws AppError `image.malformed` if the chunk does not match its checksum */
  check(): void
}

const COLORS: Readonly<Record<number, { color: PngColor; channels: number; depths: readonly number[] }>> = {
  0: { color: 'grey', channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { color: 'rgb', channels: 3, depths: [8, 16] },
  3: { color: 'palette', channels: 1, depths: [1, 2, 4, 8] },
  4: { color: 'grey-alpha', channels: 2, depths: [8, 16] },
  6: { color: 'rgba', channels: 4, depths: [8, 16] },
}

const SIGNATURE_BYTES = 8
const HEADER_BYTES = 13
const PALETTE_BYTES = 768
const XMP_KEYWORD = 'XML:com.adobe.xmp\0\0\0'

/**
 * Reads the chunks of a PNG.
 *
 * As in Pillow the data ends at the first other chunk, a missing end chunk is no fault, metadata may follow the data, and
 * checksums count up to there. (Pillow trusts those of the data chunks; browsers do not, and neither do we.)
 *
 * @throws AppError `image.malformed`, `image.too_large`
 * @see PNG (Third Edition), section 11
 */
export function readPngHeader(bytes: Uint8Array, limits: ImageLimits): PngHeader {
  const reader = chunks(bytes, limits)
  const first = reader.next()
  if (first.done || first.value.type !== 'IHDR')
    throw malformed('Expected a PNG to begin with IHDR, found another chunk.')
  const header = readImageHeader(first.value, limits)

  const rest = [...reader]
  const dataStart = rest.findIndex(({ type }) => type === 'IDAT')
  if (dataStart < 0) throw malformed('Expected picture data in the PNG, found none.')
  const dataLength = rest.slice(dataStart).findIndex(({ type }) => type !== 'IDAT')
  const dataEnd = dataLength < 0 ? rest.length : dataStart + dataLength
  for (const chunk of rest.slice(0, dataEnd)) chunk.check()

  const entries = rest.slice(0, dataStart).find(({ type }) => type === 'PLTE')?.payload
  if (header.color === 'palette' && entries === undefined) throw malformed('Expected a palette in the PNG, found none.')
  const palette = new Uint8Array(PALETTE_BYTES)
  palette.set(entries?.subarray(0, PALETTE_BYTES) ?? [])
  const exif = rest.find(({ type }) => type === 'eXIf')?.payload
  const orientation = readOrientation(exif, rest.find(isXmp)?.payload)
  return { format: 'png', ...header, orientation, palette, data: rest.slice(dataStart, dataEnd).map((c) => c.payload) }
}

function isXmp({ type, payload }: Chunk): boolean {
  return type === 'iTXt' && latin1(payload, 0, XMP_KEYWORD.length) === XMP_KEYWORD
}

/** The chunks of the file, up to the end chunk. */
function* chunks(bytes: Uint8Array, limits: ImageLimits): Generator<Chunk, undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let count = 0
  for (let at = SIGNATURE_BYTES; at < bytes.byteLength; ) {
    checkChunks(++count, limits)
    if (at + 12 > bytes.byteLength) throw truncated(at + 12, bytes.byteLength)
    const end = at + 8 + view.getUint32(at)
    const type = latin1(bytes, at + 4, at + 8)
    if (end + 4 > bytes.byteLength) throw truncated(end + 4, bytes.byteLength)
    if (type === 'IEND') return undefined
    const checked = bytes.subarray(at + 4, end)
    const expected = view.getUint32(end)
    yield {
      type,
      payload: bytes.subarray(at + 8, end),
      check() {
        if (crc32(checked) !== expected) throw malformed(`Expected the PNG chunk ${type} to match its checksum.`)
      },
    }
    at = end + 4
  }
  return undefined
}

function truncated(expected: number, found: number): Error {
  return malformed(`Expected at least ${expected} bytes of PNG, found ${found}: it is truncated.`)
}

function readImageHeader(chunk: Chunk, limits: ImageLimits) {
  const { payload } = chunk
  if (payload.byteLength !== HEADER_BYTES) {
    throw malformed(`Expected ${HEADER_BYTES} bytes of PNG header, found ${payload.byteLength}.`)
  }
  chunk.check()
  const view = new DataView(payload.buffer, payload.byteOffset, HEADER_BYTES)
  const size = { width: view.getUint32(0), height: view.getUint32(4) }
  const [bitDepth = 0, colorType = 0, compression = 0, filter = 0, interlace = 0] = payload.subarray(8)
  const kind = COLORS[colorType]
  if (kind === undefined || !kind.depths.includes(bitDepth)) {
    throw malformed(`Expected a PNG colour type and depth of the standard, found type ${colorType}, ${bitDepth} bits.`)
  }
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    throw malformed(`Expected PNG methods 0, 0 and 0 or 1, found ${compression}, ${filter} and ${interlace}.`)
  }
  const isInterlaced = interlace === 1
  if (isInterlaced) checkSize('an interlaced PNG', size, limits.side, limits.pngInterlacedPixels)
  else checkSize('a PNG', size, limits.side, limits.pngPixels)
  // Three rows, the widest as RGB, or all of them.
  const heldBytes = size.width * (2 * kind.channels * Math.ceil(bitDepth / 8) + 3 * (isInterlaced ? size.height : 1))
  return { ...size, color: kind.color, channels: kind.channels, bitDepth, isInterlaced, heldBytes }
}
