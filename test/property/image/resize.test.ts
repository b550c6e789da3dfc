import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { encodePng, fromPatches, IMAGE_SIDE, patchesDigest } from '@loupe/shared/image'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { scalarPipeline, simdPipeline } from '../../support/image-pipelines.ts'

/** Bytes that look like noise and depend on the seed alone. */
function noise(length: number, seed: number): Uint8Array {
  let state = seed | 1
  return Uint8Array.from({ length }, () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223
    return state >>> 24
  })
}

const side = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 880, max: 910 }),
  fc.integer({ min: 1, max: 1800 }),
)

it('is the same in SIMD and in plain TypeScript, for any size', async () => {
  await fc.assert(
    fc.asyncProperty(side, side, fc.integer(), async (width, height, seed) => {
      const bytes = await encodePng(noise(width * height * 3, seed), { width, height })
      const limits = { fileBytes: Number.POSITIVE_INFINITY }
      const simd = await simdPipeline.preprocess(bytes, { limits, panAndScan: true })
      const scalar = await scalarPipeline.preprocess(bytes, { limits, panAndScan: true })
      expect(Buffer.from(simd.digest)).toEqual(Buffer.from(scalar.digest))
      expect(simd.crops.map(({ digest }) => digest)).toEqual(scalar.crops.map(({ digest }) => digest))
    }),
    { numRuns: 8, seed: 896 },
  )
})

it('leaves a picture of 896x896 as it is, and patches can be put together again', async () => {
  const pixels = noise(IMAGE_SIDE * IMAGE_SIDE * 3, 7)
  const bytes = await encodePng(pixels, { width: IMAGE_SIDE, height: IMAGE_SIDE })
  const { patches, digest } = await simdPipeline.preprocess(bytes)
  expect(Buffer.from(fromPatches(patches)).equals(pixels)).toBe(true)
  expect(await patchesDigest(patches)).toEqual(digest)
  // Patch 65 is row 1, column 1; its pixel (x 3, y 2) is (17, 16) of the picture.
  const at = (16 * IMAGE_SIDE + 17) * 3
  expect(patches.subarray(65 * 588 + (2 * 14 + 3) * 3).subarray(0, 3)).toEqual(pixels.subarray(at, at + 3))
})

it('serves pictures that stream at the same time without mixing them', async () => {
  const files = await Promise.all(
    [1, 2, 3, 4].map((seed) => encodePng(noise(300 * 500 * 3, seed), { width: 300, height: 500 })),
  )
  const alone = []
  for (const file of files) alone.push((await simdPipeline.preprocess(file)).digest)
  const together = await Promise.all(files.map((file) => simdPipeline.preprocess(file)))
  expect(together.map(({ digest }) => digest)).toEqual(alone)
})

it.each(['png', 'resize'])('ships a kernel for %s that is what its source compiles to', async (name) => {
  const folder = await mkdtemp(join(tmpdir(), 'loupe-'))
  try {
    const built = join(folder, 'kernel.wasm')
    const root = fileURLToPath(new URL('../../..', import.meta.url))
    const build = ['run', '--silent', `build:wasm:${name}`, '--workspace', '@loupe/shared', '--', '--outFile', built]
    await promisify(execFile)('npm', build, { cwd: root })
    const shipped = await readFile(fileURLToPath(import.meta.resolve(`@loupe/shared/image/${name}-simd.wasm`)))
    expect((await readFile(built)).equals(shipped)).toBe(true)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
