import { describe, expect, it } from 'vitest'
import { type Box, readOrientation, storedBox, UPRIGHT, uprightSize } from './orientation.ts'

const text = (value: string) => new TextEncoder().encode(value)

/** A TIFF block with one directory entry. */
function tiff(little: boolean, type: number, value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(26))
  view.setUint16(0, little ? 0x4949 : 0x4d4d)
  view.setUint16(2, 42, little)
  view.setUint32(4, 8, little)
  view.setUint16(8, 1, little)
  view.setUint16(10, 0x0112, little)
  view.setUint16(12, type, little)
  view.setUint32(14, 1, little)
  if (type === 3) view.setUint16(18, value, little)
  else view.setUint32(18, value, little)
  return new Uint8Array(view.buffer)
}

/** The upright picture of one whose pixels are numbered, by the EXIF definition: where row 0 and column 0 are. */
function upright(stored: number[][], tag: number): number[][] {
  const mirror = (rows: number[][]) => rows.map((row) => row.toReversed())
  const turn = (rows: number[][]) => (rows[0] ?? []).map((_, x) => rows.map((row) => row[x] ?? -1))
  const ways: Record<number, (rows: number[][]) => number[][]> = {
    1: (rows) => rows,
    2: mirror,
    3: (rows) => mirror(rows).toReversed(),
    4: (rows) => rows.toReversed(),
    5: turn,
    6: (rows) => mirror(turn(rows)),
    7: (rows) => mirror(turn(rows)).toReversed(),
    8: (rows) => turn(rows).toReversed(),
  }
  return (ways[tag] ?? ((rows) => rows))(stored)
}

describe('readOrientation', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('finds where every box of the upright picture is stored, tag %i', (tag) => {
    const size = { width: 5, height: 3 }
    const stored = [0, 1, 2].map((y) => [0, 1, 2, 3, 4].map((x) => y * 5 + x))
    const orientation = readOrientation(tiff(true, 3, tag), undefined)
    const { width, height } = uprightSize(size, orientation)
    const seen = upright(stored, tag)
    const cut = (rows: number[][], [x0, y0, x1, y1]: Box) =>
      rows
        .slice(y0, y1)
        .flatMap((row) => row.slice(x0, x1))
        .toSorted((a, b) => a - b)
    expect([width, height]).toEqual([seen[0]?.length, seen.length])
    for (const box of [
      [0, 0, width, height],
      [1, 0, width, 2],
      [0, 2, 2, height],
    ] as Box[]) {
      expect(cut(stored, storedBox(box, size, orientation))).toEqual(cut(seen, box))
    }
  })

  it('reads both byte orders, both integer types and the Exif prefix', () => {
    const six = readOrientation(tiff(true, 3, 6), undefined)
    expect(readOrientation(tiff(false, 3, 6), undefined)).toEqual(six)
    expect(readOrientation(tiff(false, 4, 6), undefined)).toEqual(six)
    expect(readOrientation(Uint8Array.from([...text('Exif\0\0'), ...tiff(true, 3, 6)]), undefined)).toEqual(six)
  })

  it('asks XMP only where EXIF says nothing', () => {
    const eight = readOrientation(tiff(true, 3, 8), undefined)
    expect(readOrientation(undefined, text('<x tiff:Orientation="8"/>'))).toEqual(eight)
    expect(readOrientation(undefined, text('<tiff:Orientation>8</tiff:Orientation>'))).toEqual(eight)
    expect(readOrientation(tiff(true, 3, 8), text('<x tiff:Orientation="3"/>'))).toEqual(eight)
  })

  it.each([
    ['nothing', new Uint8Array(0)],
    ['no TIFF', text('hello, world')],
    ['a directory beyond the end', Uint8Array.from([0x49, 0x49, 42, 0, 255, 255, 255, 255])],
    ['an entry beyond the end', tiff(true, 3, 6).subarray(0, 15)],
    ['a tag beyond 8', tiff(true, 3, 9)],
    ['a text where a number belongs', tiff(true, 2, 6)],
  ])('takes the picture as upright if EXIF holds %s', (_, exif) => {
    expect(readOrientation(exif, undefined)).toEqual(UPRIGHT)
  })
})
