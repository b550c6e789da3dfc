import { type MediaItem, type MediaItems, readItems } from './avif-items.ts'
import { type Av1Cost, checkAv1Costs, readAv1Cost } from './avif-obu.ts'
import { byteCursor, type MediaBox, readBoxes } from './isobmff.ts'
import { checkSize, type ImageLimits, malformed, unsupported } from './limits.ts'
import { type Orientation, orientationOf, type Size } from './orientation.ts'

/** What is known of an AVIF before it is decoded. */
export interface AvifHeader extends Size {
  readonly format: 'avif'
  readonly orientation: Orientation
  /** Bytes that the decode will hold, the file included. */
  readonly heldBytes: number
}

/** What the decoder holds for a pixel of its data, and of the RGBA result. Measured on photographs of 4 and 8 MP. */
const DECODED_BYTES = 15.6
const RGBA_BYTES = 4
/** The file is in the decoder's memory twice: as it came, and as a string of its own. */
const FILE_COPIES = 2
/** Its tables, its stack, and what lies between. */
const DECODER_BYTES = 13 * 1024 * 1024

/** EXIF tags by the quarter turns (counter-clockwise) of `irot`, without `imir` and with it along axis 0 and 1. */
const TAGS: readonly (readonly [plain: number, topBottom: number, leftRight: number])[] = [
  [1, 4, 2],
  [8, 5, 7],
  [3, 2, 4],
  [6, 7, 5],
]

/**
 * Reads the container of an AVIF: the size of its still picture, how it is turned, and what decoding it will cost. Of an
 * image sequence it is the still picture beside it, which shows the first frame.
 *
 * As in Pillow `irot` and `imir` alone say how the picture is turned; what EXIF says is already in them.
 *
 * @throws AppError `image.malformed`, `image.unsupported`, `image.too_large`
 * @see AV1 Image File Format, section 2; ISO/IEC 23000-22 (MIAF), section 7.3
 */
export function readAvifHeader(bytes: Uint8Array, limits: ImageLimits): AvifHeader {
  const meta = readBoxes(bytes, limits).find(({ type }) => type === 'meta')
  if (meta === undefined) throw unsupported('an AVIF sequence without a still picture')
  const file = readItems(meta.payload, bytes, limits)
  const picture = file.items.get(file.primary)
  if (picture === undefined) throw malformed('Expected the primary item of the AVIF, found none.')
  const size = sizeOf(picture)
  checkSize('an AVIF', size, limits.side, limits.avifPixels)
  checkAperture(picture, size)

  const costs = codedItems(file).map((item) => readAv1Cost(file.data(item)))
  // Colour and alpha, with room for the tiles of a grid to reach beyond its edges.
  checkAv1Costs(costs, { pixels: 3 * limits.avifPixels, frames: limits.avifFrames })
  return {
    format: 'avif',
    ...size,
    orientation: orientationOf(exifTag(picture)),
    heldBytes: heldBytes(bytes, size, costs),
  }
}

function heldBytes(bytes: Uint8Array, { width, height }: Size, costs: readonly Av1Cost[]): number {
  const decoded = costs.reduce((sum, { frame }) => sum + frame.width * frame.height, 0)
  return Math.ceil(
    DECODER_BYTES + FILE_COPIES * bytes.byteLength + width * height * RGBA_BYTES + decoded * DECODED_BYTES,
  )
}

/** The AV1 items that the picture and its alpha are made of. */
function codedItems({ items, primary, references }: MediaItems): MediaItem[] {
  const auxiliary = references.filter(({ type, to }) => type === 'auxl' && to.includes(primary)).map(({ from }) => from)
  return [primary, ...auxiliary].flatMap((id) => {
    const item = items.get(id)
    if (item?.type !== 'grid') return item === undefined ? [] : [coded(item)]
    const tiles = references.filter(({ type, from }) => type === 'dimg' && from === id).flatMap(({ to }) => to)
    return tiles.map((tile) => coded(items.get(tile)))
  })
}

function coded(item: MediaItem | undefined): MediaItem {
  if (item === undefined) throw malformed('Expected the tiles of the AVIF grid, found one missing.')
  if (item.type !== 'av01') throw unsupported(`an HEIF picture coded as ${JSON.stringify(item.type)}`)
  return item
}

function property(item: MediaItem, type: string): MediaBox['payload'] | undefined {
  return item.properties.find((box) => box.type === type)?.payload
}

function sizeOf(item: MediaItem): Size {
  const extents = property(item, 'ispe')
  if (extents === undefined) throw malformed('Expected the size (ispe) of the AVIF, found none.')
  const cursor = byteCursor(extents, 'the box ispe')
  cursor.versionAndFlags()
  return { width: cursor.uint(4), height: cursor.uint(4) }
}

function exifTag(item: MediaItem): number {
  const turns = (property(item, 'irot')?.[0] ?? 0) & 3
  const mirror = property(item, 'imir')?.[0]
  return TAGS[turns]?.[mirror === undefined ? 0 : 1 + (mirror & 1)] ?? 1
}

/** Pillow shows the whole picture, browsers a part of it: better to say so than to guess. */
function checkAperture(item: MediaItem, { width, height }: Size): void {
  const aperture = property(item, 'clap')
  if (aperture === undefined) return
  const cursor = byteCursor(aperture, 'the box clap')
  const [w, wBelow, h, hBelow, x, , y] = Array.from({ length: 8 }, () => cursor.uint(4))
  if (w === width && wBelow === 1 && h === height && hBelow === 1 && x === 0 && y === 0) return
  throw unsupported('an AVIF with a clean aperture (clap) that cuts it')
}
