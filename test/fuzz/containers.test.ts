import { describe, expect, it } from 'vitest'
import { joinGif, splitGif } from './containers/gif-blocks.ts'
import { joinJpeg, splitJpeg } from './containers/jpeg-segments.ts'
import { joinMedia, splitMedia } from './containers/media-boxes.ts'
import { joinPng, splitPng } from './containers/png-chunks.ts'
import { joinWebp, splitWebp } from './containers/riff-chunks.ts'
import { FUZZ_FORMATS, type FuzzFormat, loadSeeds } from './seeds.ts'

/** Takes a file apart and puts it together. */
const AGAIN: Readonly<Record<FuzzFormat, (bytes: Uint8Array) => Uint8Array>> = {
  png: (bytes) => joinPng(splitPng(bytes)),
  jpeg: (bytes) => joinJpeg(splitJpeg(bytes)),
  webp: (bytes) => joinWebp(splitWebp(bytes)),
  gif: (bytes) => joinGif(splitGif(bytes)),
  avif: (bytes) => joinMedia(splitMedia(bytes)),
}

// Were it not so, the mutators would change what they do not mean to, and most of what they make would be the same ruin.
describe.each(FUZZ_FORMATS)('a %s', (format) => {
  it('is the same file when it was taken apart and put together', async () => {
    const seeds = await loadSeeds([format])
    expect(seeds.length).toBeGreaterThan(1)
    for (const { name, bytes } of seeds) {
      expect(Buffer.from(AGAIN[format](bytes)).equals(bytes), name).toBe(true)
    }
  })
})
