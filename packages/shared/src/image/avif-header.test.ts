import { describe, expect, it } from 'vitest'
import { readAvifHeader } from './avif-header.ts'
import { LIMITS } from './limits.ts'
import { orientationOf } from './orientation.ts'

const text = (value: string) => [...value].map((character) => character.charCodeAt(0))
const number = (length: number, value: number) =>
  Array.from({ length }, (_, i) => Math.floor(value / 256 ** (length - 1 - i)) % 256)
const box = (type: string, ...parts: readonly (readonly number[])[]) => {
  const body = parts.flat()
  return [...number(4, body.length + 8), ...text(type), ...body]
}
const full = (type: string, ...parts: readonly (readonly number[])[]) => box(type, [0, 0, 0, 0], ...parts)

/** A unit of AV1 with its size. */
const unit = (type: number, payload: readonly number[]) => [(type << 3) | 2, payload.length, ...payload]

/** A sequence header of a still picture, and frames without data. */
function av1(width: number, height: number, frames = 1): number[] {
  const bits = (length: number, value: number) => value.toString(2).padStart(length, '0')
  const header = `000${'1'}${'1'}${bits(5, 0)}${bits(4, 15)}${bits(4, 15)}${bits(16, width - 1)}${bits(16, height - 1)}`
  const bytes = (header.padEnd(64, '0').match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2))
  return [...unit(1, bytes), ...Array.from({ length: frames }, () => unit(6, [0])).flat()]
}

const ispe = (width: number, height: number) => full('ispe', number(4, width), number(4, height))
const irot = (turns: number) => box('irot', [turns])
const imir = (axis: number) => box('imir', [axis])
const clap = (...numbers: readonly number[]) => box('clap', ...numbers.map((value) => number(4, value)))

interface Item {
  readonly type?: string
  readonly data?: readonly number[]
  readonly properties?: readonly (readonly number[])[]
}

interface Parts {
  readonly items: readonly Item[]
  readonly references?: readonly (readonly [type: string, from: number, ...to: readonly number[]])[]
  readonly without?: string
}

/** An AVIF whose items are numbered from 1; the first is the picture, and the data of all stands in `idat`. */
function avif({ items, references = [], without }: Parts): Uint8Array {
  const data = items.map((item) => item.data ?? [])
  const properties = items.map((item) => item.properties ?? [])
  const entries = items.map(({ type = 'av01' }, i) =>
    box('infe', [2, 0, 0, 0], number(2, i + 1), [0, 0], text(type), [0]),
  )
  const firsts = properties.map((_, i) => 1 + properties.slice(0, i).flat(1).length)
  const associations = properties.map((list, i) => [
    ...number(2, i + 1),
    list.length,
    ...list.map((__, k) => (firsts[i] ?? 0) + k),
  ])
  const locations = data.map((bytes, i) => [
    ...number(2, i + 1),
    ...[0, 1, 0, 0, 0, 1],
    ...number(4, data.slice(0, i).flat().length),
    ...number(4, bytes.length),
  ])
  const parts: Readonly<Record<string, readonly number[]>> = {
    pitm: full('pitm', number(2, 1)),
    iinf: full('iinf', number(2, items.length), ...entries),
    iref: full(
      'iref',
      ...references.map(([type, from, ...to]) =>
        box(type, number(2, from), number(2, to.length), ...to.map((id) => number(2, id))),
      ),
    ),
    iprp: box('iprp', box('ipco', ...properties.flat(1)), full('ipma', number(4, items.length), ...associations)),
    iloc: box('iloc', [1, 0, 0, 0], [0x44, 0], number(2, items.length), ...locations),
    idat: box('idat', ...data),
  }
  const kept = Object.entries(parts).filter(([type]) => type !== without)
  const meta = full('meta', ...kept.map(([, bytes]) => bytes))
  const ftyp = box('ftyp', text('avif'), [0, 0, 0, 0], text('mif1'))
  return Uint8Array.from([...ftyp, ...(without === 'meta' ? [] : meta)])
}

const still = (width: number, height: number, ...properties: readonly (readonly number[])[]): Parts => ({
  items: [{ data: av1(width, height), properties: [ispe(width, height), ...properties] }],
})
const failure = (code: string, detail: string) =>
  expect.objectContaining({ code, detail: expect.stringContaining(detail) })
const refuses = (parts: Parts, code: string, detail: string) =>
  expect(() => readAvifHeader(avif(parts), LIMITS)).toThrow(failure(code, detail))

describe('readAvifHeader', () => {
  it('reads the size, and predicts more memory for more pixels', () => {
    const small = readAvifHeader(avif(still(300, 200)), LIMITS)
    const large = readAvifHeader(avif(still(1200, 800)), LIMITS)
    expect(small).toMatchObject({ format: 'avif', width: 300, height: 200, orientation: orientationOf(1) })
    expect(large.heldBytes).toBeGreaterThan(small.heldBytes + 1000 * 800 * 15)
  })

  it.each([
    [1, []],
    [2, [imir(1)]],
    [3, [irot(2)]],
    [4, [imir(0)]],
    [5, [irot(1), imir(0)]],
    [6, [irot(3)]],
    [7, [irot(1), imir(1)]],
    [8, [irot(1)]],
    [2, [irot(2), imir(0)]],
    [5, [irot(3), imir(1)]],
  ])('turns it as EXIF tag %i says', (tag, properties) => {
    expect(readAvifHeader(avif(still(30, 20, ...properties)), LIMITS).orientation).toEqual(orientationOf(tag))
  })

  it('counts alpha and the tiles of a grid', () => {
    const tile = { data: av1(64, 64), properties: [ispe(64, 64)] }
    const grid = { type: 'grid', properties: [ispe(128, 64)] }
    const one = readAvifHeader(avif({ items: [grid, tile, tile], references: [['dimg', 1, 2, 3]] }), LIMITS)
    const references = [
      ['dimg', 1, 2, 3],
      ['auxl', 4, 1],
    ] as const
    const alpha = { data: av1(128, 64), properties: [ispe(128, 64)] }
    const both = readAvifHeader(avif({ items: [grid, tile, tile, alpha], references }), LIMITS)
    expect(both.heldBytes - one.heldBytes).toBeGreaterThan(128 * 64 * 15)
  })

  it('accepts a clean aperture that is the whole picture, and names one that cuts', () => {
    expect(readAvifHeader(avif(still(30, 20, clap(30, 1, 20, 1, 0, 1, 0, 1))), LIMITS)).toMatchObject({ width: 30 })
    refuses(still(30, 20, clap(20, 1, 20, 1, 0, 1, 0, 1)), 'image.unsupported', 'clean aperture')
  })

  it.each<[string, Parts, string]>([
    ['another codec', { items: [{ type: 'hvc1', properties: [ispe(9, 9)] }] }, 'coded as "hvc1"'],
    ['a sequence alone', { ...still(9, 9), without: 'meta' }, 'sequence without a still picture'],
  ])('names %s, which it does not decode', (_, parts, detail) => {
    refuses(parts, 'image.unsupported', detail)
  })

  it.each<[string, Parts, string]>([
    ['60000x60000', still(60_000, 60_000), 'found 60000x60000'],
    ['5 MP', still(2500, 2000), 'found 2500x2000'],
    [
      'data that is larger than the container says',
      { items: [{ data: av1(16_000, 16_000), properties: [ispe(9, 9)] }] },
      'found 256000000',
    ],
    [
      'a grid of many large tiles',
      {
        items: [
          { type: 'grid', properties: [ispe(64, 64)] },
          { data: av1(1900, 1900), properties: [ispe(64, 64)] },
        ],
        references: [['dimg', 1, ...Array<number>(60).fill(2)]],
      },
      'decodes to at most',
    ],
    [
      'frames that are never shown',
      { items: [{ data: av1(64, 64, 5), properties: [ispe(64, 64)] }] },
      'at most 4 frames, found 5',
    ],
  ])('refuses %s before a decoder sees it', (_, parts, detail) => {
    refuses(parts, 'image.too_large', detail)
  })

  it.each<[string, Parts, string]>([
    ...['pitm', 'iinf', 'iprp', 'iloc'].map((without): [string, Parts, string] => [
      `no ${without}`,
      { ...still(9, 9), without },
      `a box ${without}`,
    ]),
    ['no data', { ...still(9, 9), without: 'idat' }, 'inside the file'],
    ['no size', { items: [{ data: av1(9, 9) }] }, 'the size (ispe)'],
    ['no width', still(0, 9), 'found 0x9'],
    ['no frame', { items: [{ data: av1(9, 9, 0), properties: [ispe(9, 9)] }] }, 'Expected a frame'],
    ['a cut sequence header', { items: [{ data: unit(1, [0x18, 0]), properties: [ispe(9, 9)] }] }, 'sequence header'],
    ['a unit beyond the end', { items: [{ data: [10, 200, 1], properties: [ispe(9, 9)] }] }, 'truncated'],
    [
      'a tile that is missing',
      {
        items: [{ type: 'grid', properties: [ispe(9, 9)] }],
        references: [['dimg', 1, 7]],
      },
      'one missing',
    ],
  ])('refuses %s', (_, parts, detail) => {
    refuses(parts, 'image.malformed', detail)
  })

  it('refuses a file cut anywhere', () => {
    const bytes = avif(still(30, 20, irot(1)))
    for (let length = 24; length < bytes.byteLength; length++) {
      expect(() => readAvifHeader(bytes.subarray(0, length), LIMITS), `cut after ${length}`).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^image\./) }),
      )
    }
  })
})
