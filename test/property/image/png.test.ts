import { constants, crc32, deflateSync, inflateSync } from 'node:zlib'
import { AppError } from '@loupe/shared/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scalarPipeline, simdPipeline } from '../../support/image-pipelines.ts'

/** Colour types of PNG: samples of a pixel, and the depths that a sample may have. */
const COLORS = [
  { type: 0, channels: 1, depths: [1, 2, 4, 8, 16] },
  { type: 2, channels: 3, depths: [8, 16] },
  { type: 3, channels: 1, depths: [1, 2, 4, 8] },
  { type: 4, channels: 2, depths: [8, 16] },
  { type: 6, channels: 4, depths: [8, 16] },
]
const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED } = constants

interface Shape {
  readonly width: number
  readonly height: number
  readonly type: number
  readonly channels: number
  readonly depth: number
  readonly isInterlaced: boolean
}

function chunk(type: string, payload: Uint8Array): Buffer {
  const checked = Buffer.concat([Buffer.from(type), payload])
  const ends = Buffer.alloc(8)
  ends.writeUInt32BE(payload.byteLength)
  ends.writeUInt32BE(crc32(checked), 4)
  return Buffer.concat([ends.subarray(0, 4), checked, ends.subarray(4)])
}

/** A PNG whose zlib stream comes in chunks of `pieceBytes`. */
function png({ width, height, type, depth, isInterlaced }: Shape, data: Uint8Array, pieceBytes: number): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width)
  header.writeUInt32BE(height, 4)
  header.set([depth, type, 0, 0, isInterlaced ? 1 : 0], 8)
  const pieces: Buffer[] = []
  for (let at = 0; at < data.byteLength; at += pieceBytes) {
    pieces.push(chunk('IDAT', data.subarray(at, at + pieceBytes)))
  }
  const palette = chunk(
    'PLTE',
    Uint8Array.from({ length: 768 }, (_, i) => (i * 37) & 255),
  )
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
  return Buffer.concat([signature, chunk('IHDR', header), ...(type === 3 ? [palette] : []), ...pieces])
}

/** Widths and heights of the passes. @see PNG (Third Edition), section 8.1 */
function passes({ width, height, isInterlaced }: Shape): number[][] {
  if (!isInterlaced) return [[width, height]]
  const steps = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ] as const
  const sizes = steps.map(([x, y, dx, dy]) => [Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)])
  return sizes.filter(([columns = 0, rows = 0]) => columns > 0 && rows > 0)
}

/** Scanlines of any filter: `smooth` ones have few levels and come again, so that there are matches of all kinds. */
function scanlines(shape: Shape, seed: number, smooth: number): Buffer {
  let state = seed | 1
  const next = () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223
    return state >>> 24
  }
  const parts = passes(shape).map(([columns = 0, rows = 0]) => {
    const length = 1 + Math.ceil((columns * shape.channels * shape.depth) / 8)
    const bytes = Buffer.from(Uint8Array.from({ length: length * rows }, () => next() >>> smooth))
    for (let y = 0; y < rows; y++) bytes[y * length] = next() % 5
    if (smooth > 3) for (let y = 2; y < rows; y += 3) bytes.copyWithin(y * length + 1, (y - 1) * length + 1, y * length)
    return bytes
  })
  return Buffer.concat(parts)
}

/** The digest of what comes of a file, or the code of its fault. */
async function outcome(pipeline: typeof simdPipeline, bytes: Uint8Array): Promise<string> {
  try {
    return Buffer.from((await pipeline.preprocess(bytes)).digest).toString('hex')
  } catch (error) {
    if (AppError.isInstance(error)) return error.code
    throw error
  }
}

const shape = fc
  .record({
    color: fc.constantFrom(...COLORS),
    size: fc.oneof(
      fc.record({ width: fc.integer({ min: 1, max: 40 }), height: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ width: fc.integer({ min: 300, max: 600 }), height: fc.integer({ min: 100, max: 200 }) }),
    ),
    pick: fc.nat(),
    isInterlaced: fc.boolean(),
  })
  .map(({ color: { type, channels, depths }, size, pick, isInterlaced }): Shape => {
    return { ...size, type, channels, depth: depths[pick % depths.length] ?? 8, isInterlaced }
  })
const compression = fc.record({
  level: fc.constantFrom(0, 1, 6, 9),
  strategy: fc.constantFrom(Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED),
  windowBits: fc.constantFrom(9, 12, 15),
})
const pieceBytes = fc.constantFrom(1, 7, 1000, 8192, 100_000)
const file = { shape, compression, pieceBytes, seed: fc.integer(), smooth: fc.integer({ min: 0, max: 7 }) }

describe('a PNG of any kind', () => {
  it('is the same picture in WebAssembly and in plain TypeScript', async () => {
    await fc.assert(
      fc.asyncProperty(fc.record(file), async (made) => {
        const data = deflateSync(scanlines(made.shape, made.seed, made.smooth), made.compression)
        // One chunk for each byte is only for what is small.
        const bytes = png(made.shape, data, data.length > 5000 ? Math.max(made.pieceBytes, 1000) : made.pieceBytes)
        const plain = await outcome(scalarPipeline, bytes)
        expect(await outcome(simdPipeline, bytes)).toBe(plain)
        expect(plain).toMatch(/^[0-9a-f]{64}$/)
      }),
      { numRuns: 16, seed: 1950 },
    )
  })

  it('whose zlib stream is damaged or cut is refused where zlib refuses it, as in Pillow', async () => {
    await fc.assert(
      fc.asyncProperty(fc.record(file), fc.nat(), fc.nat(), fc.boolean(), async (made, place, bit, isCut) => {
        const rows = scanlines(made.shape, made.seed, made.smooth)
        const data = spoilt(deflateSync(rows, made.compression), { place, bit, isCut })
        const found = await outcome(simdPipeline, png(made.shape, data, 8192))
        const expected = inflated(data, rows.length)
        const isPicture = expected !== undefined && filtersOf(made.shape, expected).every((filter) => filter < 5)
        expect(found === 'image.malformed').toBe(!isPicture)
        if (isPicture) expect(found).toBe(await outcome(simdPipeline, png(made.shape, deflateSync(expected), 8192)))
      }),
      { numRuns: 100, seed: 1951 },
    )
  })
})

/** Cut, or with one bit flipped; near the end in one half of all runs. */
function spoilt(data: Buffer, { place, bit, isCut }: { place: number; bit: number; isCut: boolean }): Uint8Array {
  const at = bit % 2 === 0 ? place % data.length : Math.max(data.length - 1 - (place % 12), 0)
  if (isCut) return data.subarray(0, at + 1)
  data[at] = (data[at] ?? 0) ^ (1 << (bit % 8))
  return data
}

/** What zlib makes of a stream that is wanted to this length; `undefined` if it refuses it or if bytes are missing. */
function inflated(data: Uint8Array, byteLength: number): Uint8Array | undefined {
  const whole = tryInflate(data)
  if (whole !== undefined) return whole.length >= byteLength ? whole : undefined
  // Damage behind the last row is never met. Where it is, is found by halving.
  let [sound, damaged] = [0, data.length]
  while (damaged - sound > 1) {
    const middle = (sound + damaged) >> 1
    if (tryInflate(data.subarray(0, middle)) === undefined) damaged = middle
    else sound = middle
  }
  const before = tryInflate(data.subarray(0, sound))
  return before !== undefined && before.length > byteLength ? before : undefined
}

function tryInflate(data: Uint8Array): Uint8Array | undefined {
  try {
    return inflateSync(data, { finishFlush: constants.Z_SYNC_FLUSH })
  } catch {
    return undefined
  }
}

function filtersOf(made: Shape, bytes: Uint8Array): number[] {
  let at = 0
  return passes(made).flatMap(([columns = 0, rows = 0]) => {
    const length = 1 + Math.ceil((columns * made.channels * made.depth) / 8)
    return Array.from({ length: rows }, () => {
      at += length
      return bytes[at - length] ?? 0
    })
  })
}
