import { describe, expect, it } from 'vitest'
import { decodeGif } from './gif.ts'
import { readGifHeader } from './gif-header.ts'
import { LIMITS } from './limits.ts'

const text = (value: string) => [...value].map((character) => character.charCodeAt(0))
const u16 = (value: number) => [value & 255, value >> 8]
const COLORS = [10, 20, 30, 40, 50, 60]
const EXTENSION = [0x21, 0xfe, 0]

interface Parts {
  readonly screen?: readonly [number, number]
  readonly frame?: readonly [x: number, y: number, width: number, height: number]
  readonly before?: readonly number[]
  readonly data?: readonly number[]
  readonly flags?: number
}

/** A GIF of two colours; its data is one pixel of colour 1. */
function gif({ screen = [1, 1], frame = [0, 0, 1, 1], before = [], flags = 0, data = [1, 1, 0x36, 0] }: Parts = {}) {
  const [width, height] = screen
  const head = [...text('GIF89a'), ...u16(width), ...u16(height), 0x80, 0, 0, ...COLORS]
  return Uint8Array.from([...head, ...before, 0x2c, ...frame.flatMap(u16), flags, ...data, 0x3b])
}

const failure = (code: string, detail: string) =>
  expect.objectContaining({ code, detail: expect.stringContaining(detail) })

function rowsOf(bytes: Uint8Array): number[][] {
  const rows: number[][] = []
  decodeGif(readGifHeader(bytes, LIMITS), (row) => rows.push([...row]))
  return rows
}

describe('readGifHeader', () => {
  it('grows with a frame that reaches beyond the screen, and fills what is around it', () => {
    expect(rowsOf(gif({ frame: [1, 1, 1, 1] }))).toEqual([
      [10, 20, 30, 10, 20, 30],
      [10, 20, 30, 40, 50, 60],
    ])
  })

  it('holds an interlaced frame, and nothing of another', () => {
    const frame = [0, 0, 4000, 3000] as const
    const [plain, interlaced] = [0, 0x40].map((flags) => readGifHeader(gif({ frame, flags }), LIMITS).heldBytes)
    expect((interlaced ?? 0) - (plain ?? 0)).toBe(4000 * 3000)
    expect(plain).toBeLessThan(1_000_000)
  })

  it.each<[string, Parts, string]>([
    ['a screen of 60000x60000', { screen: [60_000, 60_000] }, 'found 60000x60000'],
    ['a frame of 60000x60000', { frame: [0, 0, 60_000, 60_000] }, 'found 60000x60000'],
    ['a frame far away', { frame: [60_000, 0, 1, 1] }, 'found 60001x1'],
    ['more pixels than allowed', { screen: [6000, 5000] }, '6000x5000 = 30000000'],
    ['a million extensions', { before: Array<readonly number[]>(10_001).fill(EXTENSION).flat() }, 'chunks'],
  ])('refuses %s before its data is touched', (_, parts, detail) => {
    expect(() => readGifHeader(gif(parts), LIMITS)).toThrow(failure('image.too_large', detail))
  })

  it.each<[string, Uint8Array, string]>([
    ['a signature alone', gif().subarray(0, 6), 'a screen descriptor'],
    ['a cut table', gif().subarray(0, 15), '6 bytes of colours'],
    ['no frame', gif({ before: [0x3b] }), 'Expected a picture'],
    ['nothing behind the screen', gif().subarray(0, 19), 'Expected a picture'],
    ['a cut descriptor', gif().subarray(0, 25), 'an image descriptor'],
    ['no code size', gif().subarray(0, 29), 'the size of its codes'],
    ['a frame without pixels', gif({ frame: [0, 0, 0, 1] }), 'found 0x1'],
    ['codes of 9 bits', gif({ data: [9, 0] }), 'found 9'],
    ['codes of 0 bits', gif({ data: [0, 0] }), 'found 0'],
  ])('refuses %s', (_, bytes, detail) => {
    expect(() => readGifHeader(bytes, LIMITS)).toThrow(failure('image.malformed', detail))
  })
})

describe('decodeGif', () => {
  it.each<[string, Parts]>([
    ['ends before its last pixel', { frame: [0, 0, 2, 1] }],
    ['ends with its end code first', { data: [1, 1, 0b1110, 0] }],
    ['ends inside a block', { data: [1, 9, 0x36] }],
    ['begins with a code that stands for nothing', { data: [2, 2, 0b111_100, 0, 0] }],
    ['has a code far ahead', { data: [2, 2, 0b1100_1100, 1, 0], frame: [0, 0, 9, 9] }],
  ])('refuses data that %s', (_, parts) => {
    expect(() => rowsOf(gif(parts))).toThrow(expect.objectContaining({ code: 'image.malformed' }))
  })
})
