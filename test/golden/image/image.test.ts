import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { fromPatches, IMAGE_SIDE, type ImagePipeline } from '@loupe/shared/image'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { avifPipeline, scalarPipeline, simdPipeline } from '../../support/image-pipelines.ts'
import golden from './images.json' with { type: 'json' }
import variants from './variants/variants.json' with { type: 'json' }

/** How far a lossy AVIF may be from Pillow's: libavif turns YUV into RGB with libyuv there and without it here. */
const AVIF_MOST = 6
const AVIF_MEAN = 0.4
/** Distance of the pixels of a sample, and its first one. */
const SAMPLE_STEP = 28
const SAMPLE_START = 14

const open = (path: string) => readFile(fileURLToPath(new URL(path, import.meta.url)))
const hex = (digest: Uint8Array) => Buffer.from(digest).toString('hex')
const isAvif = ({ file }: { file: string }) => file.endsWith('.avif')
const exactRows = variants.rows.filter((row) => !isAvif(row))

describe('a photograph', () => {
  it.each(golden.rows)('$file has the bytes that Pillow gives, and so have its crops', async (row) => {
    const picture = await simdPipeline.preprocess(await open(`input/${row.file}`), { panAndScan: true })
    expect({
      size: [picture.width, picture.height],
      digest: hex(picture.digest),
      crops: picture.crops.map(({ box, digest }) => ({ box, patches_sha256: hex(digest) })),
    }).toEqual({
      size: [row.width, row.height],
      digest: row.patches_sha256,
      crops: row.pan_and_scan,
    })
  })
})

describe('a variant', () => {
  it.each(exactRows)('$file has the bytes that Pillow gives', (row) => expectPillow(simdPipeline, row))

  const orders = exactRows.filter(({ file }) => /exif-[3-8]|tall|portrait|wide|webp|offset.*gif/.test(file))
  it.each(orders)('$file has them without SIMD too', (row) => expectPillow(scalarPipeline, row))
})

describe('an AVIF', () => {
  it.each(variants.rows.filter(isAvif))('$file is what Pillow gives, within the bound of its colours', async (row) => {
    const { width, height, patches } = await avifPipeline.preprocess(await open(`variants/${row.file}`))
    expect([width, height]).toEqual([row.width, row.height])
    const { most, mean } = distance(samplePixels(fromPatches(patches)), Buffer.from(row.sample ?? '', 'base64'))
    expect(most).toBeLessThanOrEqual(AVIF_MOST)
    expect(mean).toBeLessThan(AVIF_MEAN)
  })

  it.each(['grey.avif', '1x1.avif'])(
    '%s, which needs no conversion of colours, has the bytes that Pillow gives',
    (file) =>
      expectPillow(
        avifPipeline,
        variants.rows.find((row) => row.file === file),
      ),
  )
})

describe('a JPEG that would not fit the memory', () => {
  it('is decoded smaller, keeps its size, and looks the same', async () => {
    const bytes = await sharp(await open('input/chelsea.png'))
      .resize(1804, 1200)
      .jpeg({ quality: 92 })
      .toBuffer()
    const whole = await simdPipeline.preprocess(bytes, { panAndScan: true })
    const decodeBytes = bytes.byteLength + 902 * 600 * 3 // half of each side
    const smaller = await simdPipeline.preprocess(bytes, { panAndScan: true, limits: { decodeBytes } })
    expect([smaller.width, smaller.height]).toEqual([1804, 1200])
    expect(smaller.crops.map(({ box }) => box)).toEqual(whole.crops.map(({ box }) => box))
    const { most, mean } = distance(smaller.patches, whole.patches)
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThan(20)
    expect(mean).toBeLessThan(1)
  })
})

interface Row {
  readonly file: string
  readonly width: number
  readonly height: number
  readonly patches_sha256: string
}

async function expectPillow(pipeline: ImagePipeline, row: Row | undefined): Promise<void> {
  if (row === undefined) throw new Error('there is no such variant')
  const picture = await pipeline.preprocess(await open(`variants/${row.file}`))
  expect([picture.width, picture.height, hex(picture.digest)]).toEqual([row.width, row.height, row.patches_sha256])
}

function samplePixels(pixels: Uint8Array): Uint8Array {
  const along = Array.from({ length: IMAGE_SIDE / SAMPLE_STEP }, (_, i) => SAMPLE_START + i * SAMPLE_STEP)
  return Uint8Array.from(
    along.flatMap((y) => along.flatMap((x) => [...pixels.subarray((y * IMAGE_SIDE + x) * 3).subarray(0, 3)])),
  )
}

function distance(found: Uint8Array, expected: Uint8Array): { most: number; mean: number } {
  expect(found.byteLength).toBe(expected.byteLength)
  let most = 0
  let sum = 0
  for (let i = 0; i < found.length; i++) {
    const apart = Math.abs((found[i] ?? 0) - (expected[i] ?? 0))
    most = Math.max(most, apart)
    sum += apart
  }
  return { most, mean: sum / found.length }
}
