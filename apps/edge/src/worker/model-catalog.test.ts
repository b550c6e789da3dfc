import { describe, expect, it } from 'vitest'
import { createFakeWorker, TINY_MODEL } from '../testing/fake-worker.ts'
import { createModelCatalog } from './model-catalog.ts'
import { createWorkerClient } from './worker-client.ts'

const signal = new AbortController().signal

async function createCatalog() {
  const fake = await createFakeWorker()
  const clock = { nowMs: 0 }
  const client = createWorkerClient({ url: 'http://worker.example', fetch: fake.fetch, replyMs: 5000, silenceMs: 5000 })
  const catalog = createModelCatalog({ worker: client, nowMs: () => clock.nowMs, ttlMs: 1000 })
  const asked = () => fake.calls.map(({ path }) => path.split('/').at(-1))
  return { catalog, client, clock, asked }
}

describe('createModelCatalog', () => {
  it('asks for metadata again after a while, and for the tokenizer never again', async () => {
    const { catalog, clock, asked } = await createCatalog()
    await catalog.open(TINY_MODEL, signal)
    clock.nowMs = 999
    await catalog.open(TINY_MODEL, signal)
    expect(asked()).toEqual(['org%2Ftiny', 'tokenizer'])
    clock.nowMs = 1000
    await catalog.open(TINY_MODEL, signal)
    expect(asked()).toEqual(['org%2Ftiny', 'tokenizer', 'org%2Ftiny'])
  })

  it('names an unknown model and does not remember it', async () => {
    const { catalog, asked } = await createCatalog()
    for (let time = 0; time < 2; time++) {
      await expect(catalog.open('other', signal)).rejects.toMatchObject({ code: 'model.unknown', param: 'model' })
    }
    expect(asked()).toEqual(['other', 'other'])
  })

  it('refuses a tokenizer that is not the one that was announced', async () => {
    const { client } = await createCatalog()
    const tampered = { ...client, tokenizer: async () => Uint8Array.of(1, 2, 3) }
    const catalog = createModelCatalog({ worker: tampered, nowMs: () => 0, ttlMs: 1000 })
    await expect(catalog.open(TINY_MODEL, signal)).rejects.toMatchObject({ code: 'worker.lost' })
  })

  it('asks again after that: another worker may have come between the two', async () => {
    const { client, asked } = await createCatalog()
    const tampered = { ...client, tokenizer: async () => Uint8Array.of(1, 2, 3) }
    const catalog = createModelCatalog({ worker: tampered, nowMs: () => 0, ttlMs: 1000 })
    for (let time = 0; time < 2; time++) await catalog.open(TINY_MODEL, signal).catch(() => undefined)
    expect(asked()).toEqual(['org%2Ftiny', 'org%2Ftiny'])
  })

  it('asks again for what it is told to forget', async () => {
    const { catalog, asked } = await createCatalog()
    await catalog.describe(TINY_MODEL, signal)
    catalog.forget(TINY_MODEL)
    await catalog.describe(TINY_MODEL, signal)
    expect(asked()).toEqual(['org%2Ftiny', 'org%2Ftiny'])
  })
})
