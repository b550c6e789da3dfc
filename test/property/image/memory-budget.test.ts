import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { LIMITS as EDGE_LIMITS } from '@loupe/edge/src/limits.ts'
import { loadImageCodecs } from '@loupe/model/node'
import { createImagePipeline, LIMITS, MEMORY_BUDGET, PATCHES_BYTES } from '@loupe/shared/image'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { simdPipeline } from '../../support/image-pipelines.ts'

const MIB = 1024 * 1024
const SLACK_BYTES = 4 * MIB

const open = (file: string) => readFile(fileURLToPath(new URL(`../../golden/image/input/${file}`, import.meta.url)))

describe('the memory that a header predicts', () => {
  const pixels = Uint8Array.from(
    { length: 1600 * 1200 * 4 },
    (_, i) => (Math.imul(i, 2_654_435_761) >>> 26) + (i >> 15),
  )
  const raw = (channels: 3 | 4) =>
    sharp(pixels.subarray(0, 1600 * 1200 * channels), { raw: { width: 1600, height: 1200, channels } })

  it.each([
    ['a lossy WebP', () => raw(3).webp({ effort: 0 })],
    ['a WebP with alpha', () => raw(4).webp({ effort: 0, alphaQuality: 50 })],
    ['a lossless WebP', () => raw(3).webp({ lossless: true, effort: 0 })],
  ])('of %s is what its decoder then holds, within 4 MiB', async (_, encode) => {
    const bytes = await encode().toBuffer()
    const pipeline = createImagePipeline(await loadImageCodecs())
    await pipeline.preprocess(bytes)
    expect(pipeline.heldBytes).toBeLessThan(predicted(bytes) + SLACK_BYTES)
    expect(pipeline.heldBytes).toBeGreaterThan(predicted(bytes) - SLACK_BYTES)
  })

  it.each([
    ['baseline', false, 3],
    ['progressive', true, 3 + 2 * 1.5], // and two bytes for each of the coefficients of 4:2:0
  ])('of a %s JPEG is what its decoder then holds', async (_, progressive, pixelBytes) => {
    const bytes = await raw(3).jpeg({ progressive }).toBuffer()
    const decodeBytes = Math.ceil(1600 * 1200 * pixelBytes) + bytes.byteLength
    const pipeline = createImagePipeline(await loadImageCodecs())
    await pipeline.preprocess(bytes, { limits: { decodeBytes } })
    expect(pipeline.heldBytes).toBeLessThan(decodeBytes + SLACK_BYTES)
    expect(pipeline.heldBytes).toBeGreaterThan(1600 * 1200 * pixelBytes)
  })

  it('that is more than one decode may hold refuses the file before a decoder sees it', async () => {
    const pipeline = createImagePipeline(await loadImageCodecs())
    const bytes = await open('chelsea-lossless.webp')
    const limits = { decodeBytes: predicted(bytes) - 1 }
    await expect(pipeline.preprocess(bytes, { limits })).rejects.toMatchObject({
      code: 'image.too_large',
      detail: expect.stringMatching(/decodes in \d+ bytes, found one that needs \d+/),
    })
    expect(pipeline.heldBytes).toBe(0)
  })
})

/** The smallest budget of a decode that lets a file through at its full size. */
function predicted(bytes: Uint8Array): number {
  let [tooSmall, enough] = [0, LIMITS.decodeBytes]
  while (enough - tooSmall > 1) {
    const decodeBytes = Math.floor((tooSmall + enough) / 2)
    if (isLetThrough(bytes, decodeBytes)) enough = decodeBytes
    else tooSmall = decodeBytes
  }
  return enough
}

function isLetThrough(bytes: Uint8Array, decodeBytes: number): boolean {
  try {
    simdPipeline.measure(bytes, { limits: { decodeBytes } })
    return true
  } catch {
    return false
  }
}

it('what a request may hold fits an isolate', () => {
  const { isolateBytes, ...shares } = MEMORY_BUDGET
  const sum = Object.values(shares).reduce((total, bytes) => total + bytes, 0)
  expect(sum).toBeLessThan(isolateBytes)
  expect(EDGE_LIMITS.requestBytes).toBeLessThanOrEqual(shares.requestBytes)
  expect(EDGE_LIMITS.imageBytes).toBeLessThanOrEqual(shares.fileBytes)
  expect(EDGE_LIMITS.images * PATCHES_BYTES).toBeLessThanOrEqual(shares.patchesBytes)
  expect(LIMITS).toMatchObject({ fileBytes: shares.fileBytes, decodeBytes: shares.decodeBytes })
})
