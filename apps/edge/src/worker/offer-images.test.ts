import { AppError } from '@loupe/shared/errors'
import type { GenerateRequest } from '@loupe/shared/wire'
import { describe, expect, it } from 'vitest'
import { generateWithImages } from './offer-images.ts'
import type { WorkerClient } from './worker-client.ts'

const signal = new AbortController().signal
const images = ['aa', 'bb'].map((digest) => ({ digest, patches: new TextEncoder().encode(digest) }))
const request = { inputIds: Int32Array.of(1), parameters: {} }

/** A worker that answers each offer with the next of these lists of missing digests, then with success. */
function workerMissing(...answers: (unknown[] | undefined)[]) {
  const offers: string[][] = []
  const generate: WorkerClient['generate'] = (_, { patches }: GenerateRequest) => {
    offers.push(patches.map((bytes) => new TextDecoder().decode(bytes)))
    const missing = answers.shift()
    if (missing !== undefined) return Promise.reject(new AppError('image.missing', '', { facts: { missing } }))
    return Promise.resolve((async function* () {})())
  }
  return { offers, worker: { generate } as unknown as WorkerClient }
}

describe('generateWithImages', () => {
  it('offers digests first and sends what is missing', async () => {
    const { offers, worker } = workerMissing(['bb'])
    await generateWithImages(worker, 'm', request, images, signal)
    expect(offers).toEqual([[], ['bb']])
  })

  it('sends also what was evicted in between', async () => {
    const { offers, worker } = workerMissing(['bb'], ['aa'])
    await generateWithImages(worker, 'm', request, images, signal)
    expect(offers).toEqual([[], ['bb'], ['bb', 'aa']])
  })

  it.each([
    ['keeps asking', [['aa'], ['aa'], ['aa']]],
    ['does not say which', [[]]],
    ['asks for something else', [[3, null]]],
  ])('gives up on a worker that %s', async (_, answers) => {
    const { worker } = workerMissing(...answers)
    const starting = generateWithImages(worker, 'm', request, images, signal)
    await expect(starting).rejects.toMatchObject({ code: 'worker.lost' })
  })
})
