import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { beforeEach, expect, it } from 'vitest'
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
