import { describe, expect, it } from 'vitest'
import { concatBytes } from './bytes.ts'
import { readJpegHeader } from './jpeg-header.ts'
import { LIMITS } from './limits.ts'
import { pngChunk } from './png-encode.ts'
import { readPngHeader } from './png-header.ts'
import { readWebpHeader } from './webp-header.ts'

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0))
const u16 = (value: number) => [value >> 8, value & 255]

interface JpegParts {
  readonly sof?: number
  readonly precision?: number
  readonly factors?: readonly number[]
  readonly scans?: number
  readonly scanComponents?: number
}

/** A JPEG that has every marker and no data worth decoding. */
function jpeg(width: number, height: number, parts: JpegParts = {}): Uint8Array {
  const { sof = 0xc0, precision = 8, factors = [0x22, 0x11, 0x11], scans = 1, scanComponents = factors.length } = parts
  const components = factors.flatMap((factor, i) => [i + 1, factor, 0])
  const frame = [0xff, sof, ...u16(8 + components.length), precision, ...u16(height), ...u16(width), factors.length]
  const scan = [
    0xff,
    0xda,
    ...u16(6 + 2 * scanComponents),
    scanComponents,
    ...Array(2 * scanComponents).fill(0),
    0,
    63,
    0,
  ]
  const all = [
    0xff,
    0xd8,
    ...frame,
    ...components,
    ...Array(scans).fill(scan).flat(),
    0x12,
    0xff,
    0,
    0xff,
    0xd0,
    0xff,
    0xd9,
  ]
  return Uint8Array.from(all)
}

function png(width: number, height: number, interlace = 0): Uint8Array {
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header.set([8, 2, 0, 0, interlace], 8)
  return concatBytes([latin1('\x89PNG\r\n\x1a\n'), pngChunk('IHDR', header), pngChunk('IDAT', new Uint8Array(4))])
}

function webp(...chunks: readonly (readonly [type: string, payload: readonly number[]])[]): Uint8Array {
  const body = chunks.flatMap(([type, payload]) => {
    const padding = payload.length % 2 === 1 ? [0] : []
    return [...latin1(type), ...u16(payload.length).toReversed(), 0, 0, ...payload, ...padding]
  })
  return Uint8Array.from([...latin1('RIFF'), ...u16(body.length + 4).toReversed(), 0, 0, ...latin1('WEBP'), ...body])
}
const lossy = (width: number, height: number) =>
  ['VP8 ', [0, 0, 0, 0x9d, 1, 0x2a, ...u16(width).toReversed(), ...u16(height).toReversed()]] as const
const lossless = (width: number, height: number) => {
  const bits = (width - 1) | ((height - 1) << 14)
  return ['VP8L', [0x2f, bits & 255, (bits >> 8) & 255, (bits >> 16) & 255, (bits >>> 24) & 255]] as const
}
const u24 = (value: number) => [value & 255, (value >> 8) & 255, value >> 16]
const canvas = (width: number, height: number) => ['VP8X', [0, 0, 0, 0, ...u24(width - 1), ...u24(height - 1)]] as const

const failure = (code: string, detail: string) =>
  expect.objectContaining({ code, detail: expect.stringContaining(detail) })

describe('a header of 60000x60000 is refused from the header alone', () => {
  it.each([
    ['JPEG', () => readJpegHeader(jpeg(60_000, 60_000).subarray(0, 30), LIMITS)],
    ['PNG', () => readPngHeader(png(60_000, 60_000).subarray(0, 33), LIMITS)],
    ['WebP', () => readWebpHeader(webp(canvas(60_000, 60_000)).subarray(0, 30), LIMITS)],
  ])('%s', (_, read) => {
    expect(read).toThrow(failure('image.too_large', 'found 60000x60000'))
  })
})

describe('readJpegHeader', () => {
  it('reads size and components', () => {
    expect(readJpegHeader(jpeg(4032, 3024), LIMITS)).toMatchObject({
      width: 4032,
      height: 3024,
      components: 3,
      scale: 8,
    })
    expect(readJpegHeader(jpeg(5, 7, { factors: [0x11] }), LIMITS)).toMatchObject({ components: 1 })
  })

  it.each([
    ['12 MP baseline at full scale', 4032, 3024, {}, 8],
    ['12 MP progressive, which buffers its coefficients, smaller', 4032, 3024, { sof: 0xc2 }, 7],
    ['12 MP in one scan a component, which buffers too', 4032, 3024, { scanComponents: 1, scans: 3 }, 7],
    ['48 MP baseline', 8064, 6048, {}, 5],
  ])('decodes %s', (_, width, height, parts, scale) => {
    expect(readJpegHeader(jpeg(width, height, parts), LIMITS)).toMatchObject({
      scale,
      decoded: { width: Math.ceil((width * scale) / 8), height: Math.ceil((height * scale) / 8) },
    })
  })

  it('refuses a progressive file whose coefficients do not fit', () => {
    const parts = { sof: 0xc2, factors: [0x11, 0x11, 0x11] }
    expect(() => readJpegHeader(jpeg(6000, 4000, parts), LIMITS)).toThrow(failure('image.too_large', 'progressive'))
  })

  it('refuses more scans than an encoder writes', () => {
    expect(() => readJpegHeader(jpeg(9, 9, { sof: 0xc2, scans: 101 }), LIMITS)).toThrow(
      failure('image.too_large', 'scans'),
    )
  })

  it('refuses more segments than a camera writes', () => {
    const comments = Array(10_001).fill([0xff, 0xfe, 0, 2]).flat()
    const bytes = Uint8Array.from([0xff, 0xd8, ...comments, ...jpeg(9, 9).subarray(2)])
    expect(() => readJpegHeader(bytes, LIMITS)).toThrow(failure('image.too_large', 'chunks'))
  })

  it('does not count restart markers, which an encoder may write after every few blocks', () => {
    const restarts = Array.from({ length: 20_000 }, (_, i) => [0x12, 0xff, 0xd0 + (i % 8)]).flat()
    const bytes = Uint8Array.from([...jpeg(900, 900).subarray(0, -2), ...restarts, 0xff, 0xd9])
    expect(readJpegHeader(bytes, LIMITS)).toMatchObject({ width: 900, height: 900 })
  })

  it.each([
    ['arithmetic coding', { sof: 0xc9 }],
    ['lossless or hierarchical coding', { sof: 0xc3 }],
    ['12 bits a sample', { sof: 0xc1, precision: 12 }],
    ['2 components', { factors: [0x11, 0x11] }],
  ])('names %s, which it does not decode', (name, parts) => {
    expect(() => readJpegHeader(jpeg(9, 9, parts), LIMITS)).toThrow(failure('image.unsupported', name))
  })

  it('refuses a file without its end marker', () => {
    const bytes = jpeg(9, 9)
    expect(() => readJpegHeader(bytes.subarray(0, -2), LIMITS)).toThrow(failure('image.malformed', 'truncated'))
    expect(() => readJpegHeader(bytes.subarray(0, 12), LIMITS)).toThrow(failure('image.malformed', 'truncated'))
  })

  it.each([
    ['no frame header', jpeg(9, 9, { sof: 0xfe }), 'Expected a frame header'],
    ['two frame headers', concatBytes([jpeg(9, 9).subarray(0, 21), jpeg(9, 9).subarray(2)]), 'found two'],
    ['no height', jpeg(9, 0), 'found 9x0'],
    ['a sampling factor of 5', jpeg(9, 9, { factors: [0x51, 0x11, 0x11] }), 'found 5x1'],
  ])('refuses %s', (_, bytes, detail) => {
    expect(() => readJpegHeader(bytes, LIMITS)).toThrow(failure('image.malformed', detail))
  })
})

describe('readPngHeader', () => {
  it('holds interlaced pictures to a lower limit, because they are buffered whole', () => {
    expect(readPngHeader(png(6000, 4000), LIMITS)).toMatchObject({ width: 6000, isInterlaced: false })
    expect(() => readPngHeader(png(6000, 4000, 1), LIMITS)).toThrow(failure('image.too_large', 'an interlaced PNG'))
    expect(() => readPngHeader(png(6000, 5000), LIMITS)).toThrow(failure('image.too_large', '6000x5000 = 30000000'))
  })

  it('refuses a million empty chunks before it has an object for each', () => {
    const empty = pngChunk('tEXt', new Uint8Array(0))
    const bytes = concatBytes([png(9, 9), ...Array(10_001).fill(empty)])
    expect(() => readPngHeader(bytes, LIMITS)).toThrow(failure('image.too_large', 'chunks'))
  })

  it('refuses a chunk that does not match its checksum', () => {
    const bytes = png(9, 9)
    bytes[29] = (bytes[29] ?? 0) ^ 1
    expect(() => readPngHeader(bytes, LIMITS)).toThrow(failure('image.malformed', 'IHDR to match its checksum'))
  })
})

describe('readWebpHeader', () => {
  it('reads the size of each kind', () => {
    expect(readWebpHeader(webp(lossy(300, 200)), LIMITS)).toMatchObject({ width: 300, height: 200 })
    expect(readWebpHeader(webp(lossless(16_384, 3)), LIMITS)).toMatchObject({ width: 16_384, height: 3 })
    expect(readWebpHeader(webp(canvas(7, 5), lossy(7, 5)), LIMITS)).toMatchObject({ width: 7, height: 5 })
  })

  it('holds lossless and alpha to a lower limit, because they take twice the memory', () => {
    const alpha = ['ALPH', [0]] as const
    expect(readWebpHeader(webp(canvas(4000, 3000), lossy(4000, 3000)), LIMITS)).toMatchObject({ width: 4000 })
    for (const [file, kind] of [
      [webp(canvas(4000, 3000), alpha, lossy(4000, 3000)), 'a WebP with alpha'],
      [webp(lossless(4000, 3000)), 'a lossless WebP'],
    ] as const) {
      expect(() => readWebpHeader(file, LIMITS)).toThrow(failure('image.too_large', kind))
    }
  })

  it.each([
    ['a file shorter than it says', webp(lossy(9, 9)).subarray(0, -1), 'truncated'],
    ['no picture', webp(canvas(9, 9)), 'found none'],
    ['a picture that is not as large as the canvas', webp(canvas(9, 9), lossy(9, 8)), 'found 9x8'],
    [
      'a frame beyond the canvas',
      webp(canvas(9, 9), ['ANMF', [...u24(1), ...u24(0), ...u24(8), ...u24(8), 0, 0, 0, 0]]),
      'beyond',
    ],
    ['a VP8 chunk that is no key frame', webp(['VP8 ', [1, 0, 0, 0, 0, 0, 1, 0, 1, 0]]), 'key frame'],
  ])('refuses %s', (_, bytes, detail) => {
    expect(() => readWebpHeader(bytes, LIMITS)).toThrow(failure('image.malformed', detail))
  })
})
