import { AppError } from '@loupe/shared/errors'
import type { GenerateEvent, GenerateRequest } from '@loupe/shared/wire'
import type { PreparedImage } from '../images/prepare-images.ts'
import type { WorkerClient } from './worker-client.ts'

/** Offer digests only, send what is missing, and once more: a picture may be evicted between the two. */
const MAX_OFFERS = 3

/**
 * Starts an answer, sending pixels only for pictures that the worker does not hold: a picture seen before costs 32
 * bytes.
 *
 * @param request - the request, its patches left out
 * @param images - its pictures in the order of the prompt
 * @throws AppError what the worker reports; `worker.lost` when it keeps asking for more
 */
export async function generateWithImages(
  worker: WorkerClient,
  model: string,
  request: Omit<GenerateRequest, 'imageDigests' | 'patches'>,
  images: readonly PreparedImage[],
  signal: AbortSignal,
): Promise<AsyncGenerator<GenerateEvent, void>> {
  const imageDigests = images.map(({ digest }) => digest)
  const byDigest = new Map(images.map(({ digest, patches }) => [digest, patches]))
  const wanted = new Set<string>()
  for (let offer = 0; offer < MAX_OFFERS; offer++) {
    const patches = [...wanted].flatMap((digest) => byDigest.get(digest) ?? [])
    try {
      return await worker.generate(model, { ...request, imageDigests, patches }, signal)
    } catch (error) {
      for (const digest of missingDigests(error)) wanted.add(digest)
    }
  }
  throw new AppError('worker.lost', `The worker still misses pictures after ${MAX_OFFERS} offers.`)
}

function missingDigests(error: unknown): string[] {
  if (!AppError.isInstance(error) || error.code !== 'image.missing') throw error
  const missing = error.facts?.['missing']
  const digests = Array.isArray(missing) ? missing.filter((digest) => typeof digest === 'string') : []
  if (digests.length === 0) throw new AppError('worker.lost', 'The worker misses pictures and does not say which.')
  return digests
}
