import { malformed } from './limits.ts'
import type { PngHeader } from './png-header.ts'

/**
 * Undoes the filter of one row in place.
 *
 * @param row - filtered bytes, without the filter's own
 * @param above - the row above, unfiltered; zeros for the first
 * @param pixelBytes - whole bytes of a pixel, at least 1
 * @throws AppError `image.malformed` for an unknown filter
 * @see PNG (Third Edition), section 9
 */
export function unfilter(filter: number, row: Uint8Array, above: Uint8Array, pixelBytes: number): void {
  switch (filter) {
    case 0:
      return
    case 1:
      for (let i = pixelBytes; i < row.length; i++) row[i] = at(row, i) + at(row, i - pixelBytes)
      return
    case 2:
      for (let i = 0; i < row.length; i++) row[i] = at(row, i) + at(above, i)
      return
    case 3:
      unfilterAverage(row, above, pixelBytes)
      return
    case 4:
      unfilterPaeth(row, above, pixelBytes)
      return
    default:
      throw unknownFilter(filter)
  }
}

/** An `image.malformed` for a filter that PNG does not have. */
export function unknownFilter(filter: number): Error {
  return malformed(`Expected a PNG filter of 0 to 4, found ${filter}.`)
}

function unfilterAverage(row: Uint8Array, above: Uint8Array, pixelBytes: number): void {
  const start = Math.min(pixelBytes, row.length)
  for (let i = 0; i < start; i++) row[i] = at(row, i) + (at(above, i) >> 1)
  for (let i = start; i < row.length; i++) row[i] = at(row, i) + ((at(row, i - pixelBytes) + at(above, i)) >> 1)
}

/** The predictor is whichever of left, up and their corner lies nearest to `left + up - corner`. */
function unfilterPaeth(row: Uint8Array, above: Uint8Array, pixelBytes: number): void {
  const start = Math.min(pixelBytes, row.length)
  for (let i = 0; i < start; i++) row[i] = at(row, i) + at(above, i)
  for (let i = start; i < row.length; i++) {
    const left = at(row, i - pixelBytes)
    const up = at(above, i)
    const corner = at(above, i - pixelBytes)
    const toLeft = Math.abs(up - corner)
    const toUp = Math.abs(left - corner)
    const toCorner = Math.abs(left + up - corner - corner)
    const nearest = toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner
    row[i] = at(row, i) + nearest
  }
}

/** How the pixels of unfiltered rows are stored. */
export type PixelLayout = Pick<PngHeader, 'color' | 'channels' | 'bitDepth' | 'palette'>

/** Where the pixels of a row go: from byte `from` of `rgb`, each `step` bytes after the one before. */
interface RgbTarget {
  readonly rgb: Uint8Array
  readonly from: number
  readonly step: number
}

/** Writes `count` pixels of an unfiltered row as RGB. */
export type RowToRgb = (row: Uint8Array, count: number, target: RgbTarget) => void

/**
 * The way from stored samples to RGB. Alpha and transparent colours are dropped, never composited; gamma and profiles are
 * ignored; of 16 bits the upper 8 count. (Pillow does all of this but one: it clips 16-bit grey to white at 256.)
 */
export function rowToRgb({ color, channels, bitDepth, palette }: PixelLayout): RowToRgb {
  if (color === 'rgb' || color === 'rgba') return colorRow(channels, bitDepth >> 3)
  const lookUp = color === 'palette' ? palette : greyLevels(bitDepth)
  return bitDepth < 8 ? packedRow(bitDepth, lookUp) : indexedRow(channels * (bitDepth >> 3), lookUp)
}

function colorRow(channels: number, sampleBytes: number): RowToRgb {
  return (row, count, { rgb, from, step }) => {
    const pixelBytes = channels * sampleBytes
    for (let i = 0, source = 0, to = from; i < count; i++, source += pixelBytes, to += step) {
      rgb[to] = at(row, source)
      rgb[to + 1] = at(row, source + sampleBytes)
      rgb[to + 2] = at(row, source + 2 * sampleBytes)
    }
  }
}

/** Whole-byte samples, the first of each pixel looked up. */
function indexedRow(pixelBytes: number, lookUp: Uint8Array): RowToRgb {
  return (row, count, { rgb, from, step }) => {
    for (let i = 0, source = 0, to = from; i < count; i++, source += pixelBytes, to += step) {
      const entry = at(row, source) * 3
      rgb[to] = at(lookUp, entry)
      rgb[to + 1] = at(lookUp, entry + 1)
      rgb[to + 2] = at(lookUp, entry + 2)
    }
  }
}

/** Several samples a byte, the leftmost in the high bits. */
function packedRow(bitDepth: number, lookUp: Uint8Array): RowToRgb {
  const mask = (1 << bitDepth) - 1
  return (row, count, { rgb, from, step }) => {
    for (let i = 0, bit = 0, to = from; i < count; i++, bit += bitDepth, to += step) {
      const entry = ((at(row, bit >> 3) >> (8 - bitDepth - (bit & 7))) & mask) * 3
      rgb[to] = at(lookUp, entry)
      rgb[to + 1] = at(lookUp, entry + 1)
      rgb[to + 2] = at(lookUp, entry + 2)
    }
  }
}

/** Grey samples as a palette, spread over 0 to 255. */
function greyLevels(bitDepth: number): Uint8Array {
  const highest = (1 << Math.min(bitDepth, 8)) - 1
  return Uint8Array.from({ length: (highest + 1) * 3 }, (_, i) => (Math.floor(i / 3) * 255) / highest)
}

/** An element that the layout guarantees. The fallback satisfies the type at no cost. */
function at(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0
}
