import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { ImagePipeline } from '@loupe/shared/image'
import { describe, expect, it } from 'vitest'
import { scalarPipeline, simdPipeline } from '../../support/image-pipelines.ts'
import golden from './images.json' with { type: 'json' }
import variants from './variants/variants.json' with { type: 'json' }

const open = (path: string) => readFile(fileURLToPath(new URL(path, import.meta.url)))
const hex = (digest: Uint8Array) => Buffer.from(digest).toString('hex')

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
  it.each(variants.rows)('$file has the bytes that Pillow gives', (row) => expectPillow(simdPipeline, row))

  const orders = variants.rows.filter(({ file }) => /exif-[3-8]|tall|portrait|wide|webp/.test(file))
  it.each(orders)('$file has them without SIMD too', (row) => expectPillow(scalarPipeline, row))
})

async function expectPillow(pipeline: ImagePipeline, row: (typeof variants.rows)[number]): Promise<void> {
  const { width, height, digest } = await pipeline.preprocess(await open(`variants/${row.file}`))
  expect({ file: row.file, width, height, patches_sha256: hex(digest) }).toEqual(row)
}
