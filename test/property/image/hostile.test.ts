import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { crc32, deflateSync } from 'node:zlib'
import { AppError } from '@loupe/shared/errors'
import { LIMITS, PATCHES_BYTES } from '@loupe/shared/image'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { avifPipeline, simdPipeline } from '../../support/image-pipelines.ts'

const open = (file: string) => readFile(fileURLToPath(new URL(`../../golden/image/variants/${file}`, import.meta.url)))

const chunk = (type: string, payload: Uint8Array) => {
  const checked = Buffer.concat([Buffer.from(type), payload])
  const ends = Buffer.alloc(8)
  ends.writeUInt32BE(payload.byteLength)
  ends.writeUInt32BE(crc32(checked), 4)
  return Buffer.concat([ends.subarray(0, 4), checked, ends.subarray(4)])
}

/** An RGB PNG with any zlib stream for its data. */
function png(width: number, height: number, data: Uint8Array): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width)
  header.writeUInt32BE(height, 4)
  header.set([8, 2], 8)
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))])
}

const rows = (width: number, height: number) => Buffer.alloc((width * 3 + 1) * height)

/** What comes of a file: a whole picture, or the code of a typed error. Anything else is thrown. */
async function outcome(bytes: Uint8Array): Promise<string> {
  try {
    const { patches } = await avifPipeline.preprocess(bytes)
    return patches.byteLength === PATCHES_BYTES ? 'picture' : 'half a picture'
  } catch (thrown) {
    if (AppError.isInstance(thrown)) return thrown.code
    throw thrown
  }
}

/** mulberry32 */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

describe('a file that is no picture', () => {
  it.each([
    ['no bytes', Buffer.alloc(0), 'image.empty'],
    ['text', Buffer.from('not a picture'), 'image.unsupported'],
    ['zeros', Buffer.alloc(1000), 'image.unsupported'],
    ['more bytes than allowed', Buffer.alloc(LIMITS.fileBytes + 1, 0xff), 'image.too_large'],
    ['a PNG signature alone', png(1, 1, rows(1, 1)).subarray(0, 8), 'image.malformed'],
    ['a JPEG signature alone', Buffer.from([0xff, 0xd8, 0xff]), 'image.malformed'],
    ['a WebP signature alone', Buffer.from('RIFF\0\0\0\0WEBP', 'latin1'), 'image.malformed'],
    ['a GIF signature alone', Buffer.from('GIF89a', 'latin1'), 'image.malformed'],
    ['an AVIF signature alone', Buffer.from('\0\0\0\x10ftypavif\0\0\0\0', 'latin1'), 'image.unsupported'],
  ])('%s', async (_, bytes, code) => {
    expect(await outcome(bytes)).toBe(code)
  })
})

describe('a PNG', () => {
  const data = deflateSync(rows(16, 16))

  it('of 60000x60000 is refused before its data is touched', async () => {
    expect(await outcome(png(60_000, 60_000, data))).toBe('image.too_large')
  })

  it('that is a bomb of 20000x20000 is refused before its data is touched', async () => {
    expect(await outcome(png(20_000, 20_000, data))).toBe('image.too_large')
  })

  it('within the limits that promises more rows than it has is refused', async () => {
    expect(await outcome(png(4000, 4000, data))).toBe('image.malformed')
  })

  it('with surplus data is a picture, and the surplus is never inflated', async () => {
    expect(await outcome(png(16, 16, deflateSync(Buffer.alloc(50_000_000))))).toBe('picture')
  })

  it('with junk after its data is a picture, as in Pillow', async () => {
    expect(await outcome(png(16, 16, Buffer.concat([data, Buffer.from('junk')])))).toBe('picture')
  })

  it('without its end chunk is a picture, as in Pillow', async () => {
    expect(await outcome(png(16, 16, data).subarray(0, -12))).toBe('picture')
  })

  it('with an unknown filter is refused', async () => {
    expect(await outcome(png(16, 16, deflateSync(rows(16, 16).fill(9, 0, 1))))).toBe('image.malformed')
  })

  it.each([20, 40, 50, 56])('cut after %i bytes is refused', async (length) => {
    expect(await outcome(png(16, 16, data).subarray(0, length))).toBe('image.malformed')
  })

  it('with damaged data is refused even if the checksum was made to fit', async () => {
    const damaged = Buffer.from(data)
    damaged.set([0xff, 0xff, 0xff], 2)
    expect(await outcome(png(16, 16, damaged))).toBe('image.malformed')
  })
})

describe('a JPEG', () => {
  it('of 60000x60000 is refused before a decoder sees it', async () => {
    const bytes = await open('420.jpg')
    const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]))
    bytes.writeUInt16BE(60_000, frame + 5)
    bytes.writeUInt16BE(60_000, frame + 7)
    expect(await outcome(bytes)).toBe('image.too_large')
  })

  it('cut anywhere is refused, as in Pillow', async () => {
    const bytes = await open('420-progressive.jpg')
    for (let length = 3; length < bytes.byteLength; length += 97) {
      expect(await outcome(bytes.subarray(0, length)), `cut after ${length}`).toBe('image.malformed')
    }
    expect(await outcome(bytes.subarray(0, -1))).toBe('image.malformed')
  })

  it('with damage inside a scan is still a picture, as in Pillow', async () => {
    const bytes = await open('420.jpg')
    bytes.fill(0x55, bytes.byteLength - 200, bytes.byteLength - 100)
    expect(await outcome(bytes)).toBe('picture')
  })

  it('whose tables are garbage is refused, and the next good one works', async () => {
    const good = await open('420.jpg')
    const { digest } = await simdPipeline.preprocess(good)
    const bad = Buffer.from(good)
    const tables = bad.indexOf(Buffer.from([0xff, 0xc4]))
    bad.fill(0xaa, tables + 4, tables + 24)
    expect(await outcome(bad)).toBe('image.malformed')
    expect((await simdPipeline.preprocess(good)).digest).toEqual(digest)
  })
})

describe('a WebP', () => {
  it('of 16384x16384 is refused before a decoder sees it', async () => {
    const bytes = await open('lossless.webp')
    bytes.writeUInt32LE(0x0fff_ffff, 21)
    expect(await outcome(bytes)).toBe('image.too_large')
  })

  it.each(['lossy.webp', 'lossless-alpha.webp', 'animated-offset.webp'])('%s cut anywhere is refused', async (file) => {
    const bytes = await open(file)
    for (let length = 12; length < bytes.byteLength; length += 41) {
      expect(await outcome(bytes.subarray(0, length)), `cut after ${length}`).toBe('image.malformed')
    }
  })
})

describe('a GIF', () => {
  it('of 60000x60000 is refused before its data is touched', async () => {
    const bytes = await open('plain.gif')
    bytes.writeUInt32LE(0xea60_ea60, 6)
    expect(await outcome(bytes)).toBe('image.too_large')
  })

  it.each(['plain.gif', 'offset-interlaced.gif'])('%s cut before its last pixel is refused', async (file) => {
    const bytes = await open(file)
    const lastBlock = bytes.byteLength - 2 // the empty block and the trailer say nothing more
    for (let length = 6; length < lastBlock; length += 31) {
      expect(await outcome(bytes.subarray(0, length)), `cut after ${length}`).toBe('image.malformed')
    }
    expect(await outcome(bytes.subarray(0, lastBlock - 1))).toBe('image.malformed')
    expect(await outcome(bytes.subarray(0, lastBlock))).toBe('picture')
  })

  it('of a million frames is its first frame, and the others are never looked at', async () => {
    const bytes = await open('plain.gif')
    expect(await outcome(Buffer.concat([bytes.subarray(0, -1), Buffer.alloc(10_000_000, ',')]))).toBe('picture')
  })
})

describe('an AVIF', () => {
  it('is refused by name where it is not switched on', async () => {
    await expect(simdPipeline.preprocess(await open('420.avif'))).rejects.toMatchObject({
      code: 'image.unsupported',
      detail: expect.stringContaining('an AVIF, which is not switched on'),
    })
  })

  it.each([
    ['60000x60000', 60_000, 60_000, 'image.too_large'],
    ['another size than its data has', 63, 48, 'image.malformed'],
  ])('that claims %s is refused', async (_, width, height, code) => {
    const bytes = await open('420.avif')
    const size = bytes.indexOf('ispe') + 8
    bytes.writeUInt32BE(width, size)
    bytes.writeUInt32BE(height, size + 4)
    expect(await outcome(bytes)).toBe(code)
  })

  it.each(['420.avif', 'alpha.avif', 'animated.avif'])('%s cut anywhere is refused', async (file) => {
    const bytes = await open(file)
    for (let length = 24; length < bytes.byteLength; length += 97) {
      expect(await outcome(bytes.subarray(0, length)), `cut after ${length}`).not.toBe('picture')
    }
  })

  it('leaves no memory behind, decoded or refused', async () => {
    const held = avifPipeline.heldBytes
    const bytes = await open('444.avif')
    expect(await outcome(bytes)).toBe('picture')
    expect(avifPipeline.heldBytes).toBe(held)
    bytes.fill(0x5a, bytes.byteLength - 400)
    expect(await outcome(bytes)).not.toBe('half a picture')
    expect(avifPipeline.heldBytes).toBe(held)
  })

  it('that takes more memory than its header lets expect is stopped, and the next one works', async () => {
    const side = 1000
    const noise = Uint8Array.from({ length: side * side * 3 }, (_, i) => Math.imul(i, 2_654_435_761) >>> 24)
    const bytes = await sharp(noise, { raw: { width: side, height: side, channels: 3 } })
      .avif({ quality: 90, effort: 0, chromaSubsampling: '4:4:4' })
      .toBuffer()
    const limits = { decodeBytes: 13 * 1024 * 1024 + 2 * bytes.byteLength + 20 * side * side }
    await expect(avifPipeline.preprocess(bytes, { limits })).rejects.toMatchObject({
      code: 'image.too_large',
      detail: expect.stringContaining('one that needs more'),
    })
    expect(await outcome(await open('420.avif'))).toBe('picture')
  })
})

describe.each([
  'rgb-8.png',
  'palette-4-interlaced.png',
  '420.jpg',
  'cmyk-progressive.jpg',
  'exif-5.jpg',
  'lossy-alpha.webp',
  'lossless.webp',
  'animated-offset.webp',
  'plain.gif',
  'offset-interlaced.gif',
  'alpha.avif',
  'animated.avif',
])('%s', (file) => {
  it('with flipped bits, cut or spliced gives a picture or a typed error', async () => {
    const next = random(file.length)
    const original = await open(file)
    const seen = new Set<string>()
    for (let round = 0; round < 40; round++) {
      const bytes = Buffer.from(original)
      for (let flips = 1 + Math.floor(next() * 8); flips > 0; flips--) {
        const at = Math.floor(next() * bytes.byteLength)
        bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(next() * 8))
      }
      const cut = Math.floor(next() * bytes.byteLength)
      const spliced = Buffer.concat([bytes.subarray(0, cut), bytes.subarray(Math.floor(next() * bytes.byteLength))])
      seen.add(await outcome(round % 4 === 3 ? spliced : bytes))
    }
    const known = ['picture', 'image.malformed', 'image.unsupported', 'image.too_large']
    expect([...seen].filter((result) => !known.includes(result))).toEqual([])
    expect(seen).toContain('image.malformed')
  })
})

it('a row of hostile files leaves the pipeline sound', async () => {
  const good = await Promise.all(['420.jpg', 'lossless.webp', 'rgb-8.png', 'plain.gif', '444.avif'].map(open))
  const before = await Promise.all(good.map((bytes) => avifPipeline.preprocess(bytes)))
  for (const bytes of good) {
    for (let at = 30; at < 60; at++) await outcome(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 3)]))
  }
  const after = await Promise.all(good.map((bytes) => avifPipeline.preprocess(bytes)))
  expect(after.map(({ digest }) => digest)).toEqual(before.map(({ digest }) => digest))
})
