import { latin1 } from './bytes.ts'

/**
 * How the stored picture becomes the upright one: swap rows and columns (`transpose`), with the source read backwards
 * along x (`flipX`) or y (`flipY`).
 *
 *     upright[y][x] = transpose ? source[±x][±y] : source[±y][±x]
 */
export interface Orientation {
  readonly transpose: boolean
  readonly flipX: boolean
  readonly flipY: boolean
}

/** Part of a picture, `[x0, y0, x1, y1]` in pixels, the end excluded. */
export type Box = readonly [x0: number, y0: number, x1: number, y1: number]

/** Width and height in pixels. */
export interface Size {
  /** Pixels from left to right. */
  readonly width: number
  /** Pixels from top to bottom. */
  readonly height: number
}

export const UPRIGHT: Orientation = { transpose: false, flipX: false, flipY: false }

/** EXIF tag 0x0112. @see CIPA DC-008 (Exif 2.32), section 4.6.4 */
const BY_TAG: Readonly<Record<number, Orientation>> = {
  1: UPRIGHT,
  2: { transpose: false, flipX: true, flipY: false },
  3: { transpose: false, flipX: true, flipY: true },
  4: { transpose: false, flipX: false, flipY: true },
  5: { transpose: true, flipX: false, flipY: false },
  6: { transpose: true, flipX: false, flipY: true },
  7: { transpose: true, flipX: true, flipY: true },
  8: { transpose: true, flipX: true, flipY: false },
}

/** What an EXIF tag says; a tag that means nothing leaves the picture as it is. */
export function orientationOf(tag: number): Orientation {
  return BY_TAG[tag] ?? UPRIGHT
}

const ORIENTATION_TAG = 0x0112
const SHORT = 3
const LONG = 4

/**
 * The orientation of a picture from its metadata. EXIF wins; XMP counts only where EXIF says nothing.
 * Metadata that cannot be read is ignored: it never makes a picture invalid.
 *
 * @param exif - a TIFF block, with or without the `Exif\0\0` prefix
 * @param xmp - an XMP packet
 */
export function readOrientation(exif: Uint8Array | undefined, xmp: Uint8Array | undefined): Orientation {
  const tag = (exif && exifTag(exif)) ?? (xmp && xmpTag(xmp)) ?? 1
  return orientationOf(tag)
}

function exifTag(exif: Uint8Array): number | undefined {
  const tiff = latin1(exif, 0, 6) === 'Exif\0\0' ? exif.subarray(6) : exif
  const order = latin1(tiff, 0, 2)
  if (tiff.byteLength < 8 || (order !== 'II' && order !== 'MM')) return undefined
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength)
  const little = order === 'II'
  const directory = view.getUint32(4, little)
  if (directory + 2 > tiff.byteLength) return undefined
  const entries = view.getUint16(directory, little)
  for (let i = 0; i < entries; i++) {
    const at = directory + 2 + 12 * i
    if (at + 12 > tiff.byteLength) return undefined
    if (view.getUint16(at, little) !== ORIENTATION_TAG) continue
    const type = view.getUint16(at + 2, little)
    if (type === SHORT) return view.getUint16(at + 8, little)
    return type === LONG ? view.getUint32(at + 8, little) : undefined
  }
  return undefined
}

function xmpTag(xmp: Uint8Array): number | undefined {
  const found = /tiff:Orientation(?:="|>)([0-9])/.exec(new TextDecoder().decode(xmp))
  return found === null ? undefined : Number(found[1])
}

/** The size of the upright picture. */
export function uprightSize({ width, height }: Size, { transpose }: Orientation): Size {
  return transpose ? { width: height, height: width } : { width, height }
}

/** Where a box of the upright picture lies in the stored one. */
export function storedBox([x0, y0, x1, y1]: Box, stored: Size, { transpose, flipX, flipY }: Orientation): Box {
  const [left, right] = transpose ? [y0, y1] : [x0, x1]
  const [top, bottom] = transpose ? [x0, x1] : [y0, y1]
  return [
    flipX ? stored.width - right : left,
    flipY ? stored.height - bottom : top,
    flipX ? stored.width - left : right,
    flipY ? stored.height - top : bottom,
  ]
}
