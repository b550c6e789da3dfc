import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { beforeEach, expect, it } from 'vitest'
import { REFUSED } from '../../e2e/support/hostile-pictures.ts'
import { simdPipeline } from '../../support/image-pipelines.ts'

const MIB = 1024 * 1024
const START_OF_FRAME = Buffer.of(0xff, 0xc0, 0x00, 0x11, 0x08)

const open = (file: string) => readFile(fileURLToPath(new URL(`../../golden/image/input/${file}`, import.meta.url)))

/** A JPEG that claims 12 megapixels. The decoder makes room for all of them and finds data for a few. */
async function largeJpeg(): Promise<Uint8Array> {
  const bytes = await open('chelsea-420.jpg')
  const size = bytes.indexOf(START_OF_FRAME) + START_OF_FRAME.byteLength
  bytes.writeUInt16BE(3024, size)
  bytes.writeUInt16BE(4032, size + 2)
  return bytes
}

beforeEach(async () => {
  await simdPipeline.preprocess(await largeJpeg())
})

it('the memory of a large picture is used again by the next one', async () => {
  const held = simdPipeline.heldBytes
  expect(held).toBeGreaterThan(3 * 4032 * 3024)
  await simdPipeline.preprocess(await largeJpeg())
  expect(simdPipeline.heldBytes).toBe(held)
})

it('the memory of a large picture is given up at the end of the run', () => {
  simdPipeline.trim()
  expect(simdPipeline.heldBytes).toBeLessThan(32 * MIB)
})

it.each(['chelsea-tiny.png', 'chelsea-lossy.webp'])('the memory of a large JPEG is given up for %s', async (file) => {
  await simdPipeline.preprocess(await open(file))
  expect(simdPipeline.heldBytes).toBeLessThan(32 * MIB)
})

/** Hostile files, one after the other. */
const HOSTILE_FILES = 200

it('hostile pictures in a row leave memory flat, and the next sound one is served', async () => {
  const sound = await open('chelsea-420.jpg')
  const { digest } = await simdPipeline.preprocess(sound)
  const refused = REFUSED.map(({ make, code }) => ({ bytes: make(), code }))
  const held: number[] = []
  for (let i = 0; i < HOSTILE_FILES; i++) {
    const file = refused[i % refused.length]
    if (file === undefined) throw new Error('there is no hostile file')
    await expect(simdPipeline.preprocess(file.bytes)).rejects.toMatchObject({ code: file.code })
    if (i % refused.length === refused.length - 1) held.push(simdPipeline.heldBytes)
  }
  expect(Math.max(...held)).toBeLessThanOrEqual(held[0] ?? 0)
  expect((await simdPipeline.preprocess(sound)).digest).toEqual(digest)
})
