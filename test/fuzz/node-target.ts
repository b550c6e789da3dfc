import { AppError } from '@loupe/shared/errors'
import { LIMITS, PATCHES_BYTES } from '@loupe/shared/image'
import { avifPipeline } from '../support/image-pipelines.ts'
import { type FuzzTarget, type Outcome, refusal } from './target.ts'

/** Linear memory of all codecs in one decode, with room for what an allocator wastes. */
const MOST_HELD_BYTES = LIMITS.decodeBytes * 1.1
/** The same when they have nothing to do. */
const MOST_IDLE_BYTES = 48 * 1024 * 1024

/** The pipeline alone, in this process. A file that makes it hang makes this process hang. */
export function nodeTarget(): FuzzTarget {
  return {
    name: 'node',
    async look(bytes) {
      const outcome = await decode(bytes)
      const held = avifPipeline.heldBytes
      avifPipeline.trim() // as a request does at its end
      if (held > MOST_HELD_BYTES) return { kind: 'fault', detail: `the codecs hold ${held} bytes` }
      const idle = avifPipeline.heldBytes
      return idle > MOST_IDLE_BYTES ? { kind: 'fault', detail: `idle codecs hold ${idle} bytes` } : outcome
    },
    residentBytes: () => process.memoryUsage.rss(),
    close: () => Promise.resolve(),
  }
}

async function decode(bytes: Uint8Array): Promise<Outcome> {
  try {
    const { patches, digest } = await avifPipeline.preprocess(bytes)
    if (patches.byteLength !== PATCHES_BYTES) return { kind: 'fault', detail: `${patches.byteLength} bytes of patches` }
    return { kind: 'picture', digest: Buffer.from(digest).toString('hex') }
  } catch (thrown) {
    if (AppError.isInstance(thrown)) return refusal(thrown.code, thrown.message)
    return { kind: 'fault', detail: String(thrown instanceof Error ? thrown.stack : thrown) }
  }
}
