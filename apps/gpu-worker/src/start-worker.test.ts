import { createHash } from 'node:crypto'
import { embeddedModelDirectory } from '@loupe/model/node'
import {
  decodeGenerateResponse,
  encodeGenerateRequest,
  HEADER_LENGTH_HEADER,
  PICTURE_BYTES,
  parseModelMetadata,
  WORKER_PATHS,
} from '@loupe/shared/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningWorker, startWorker } from './start-worker.ts'

let worker: RunningWorker

const options = {
  modelPath: embeddedModelDirectory(),
  host: '127.0.0.1',
  port: 0,
  maxWaiting: 8,
  slots: 2,
  slotTokens: 1024,
  chunkTokens: 320,
  imageCacheBytes: 1 << 24,
  prefixCacheBytes: 0,
  drainMs: 0,
  log: () => {},
  signal: new AbortController().signal,
}

beforeAll(async () => {
  worker = await startWorker(options)
})

afterAll(() => worker.close())

async function metadata() {
  const response = await fetch(`${worker.url}${WORKER_PATHS.model(worker.modelName)}`)
  return parseModelMetadata(await response.json()).parameters
}

describe('a worker with the embedded model', () => {
  it('gives the tokenizer that its metadata names', async () => {
    const { tokenizer_digest } = await metadata()
    const response = await fetch(`${worker.url}${WORKER_PATHS.tokenizer(worker.modelName)}`)
    const digest = createHash('sha256')
      .update(new Uint8Array(await response.arrayBuffer()))
      .digest('hex')
    expect(digest).toBe(tokenizer_digest)
  })

  it('answers a question about a picture, the second time without its pixels and the same', async () => {
    const model = await metadata()
    const picture = new Uint8Array(PICTURE_BYTES).fill(200)
    const image = Array.from({ length: model.tokens_per_image }, () => model.image_token_id)
    const request = {
      inputIds: Int32Array.of(model.bos_token_id, model.boi_token_id, ...image, model.eoi_token_id),
      imageDigests: [createHash('sha256').update(picture).digest('hex')],
      parameters: { max_tokens: 3, temperature: 0, ignore_eos: true, logprobs: true },
    }
    const ask = async (patches: readonly Uint8Array[]) => {
      const { headers, body } = encodeGenerateRequest({ ...request, patches })
      const response = await fetch(`${worker.url}${WORKER_PATHS.infer(worker.modelName)}`, {
        method: 'POST',
        headers,
        body,
      })
      const headerLength = response.headers.get(HEADER_LENGTH_HEADER)
      return decodeGenerateResponse({ headerLength, body: new Uint8Array(await response.arrayBuffer()) })
    }
    const first = await ask([picture])
    const second = await ask([])
    expect(first.outputIds).toHaveLength(3)
    expect(first.logprobs?.every((value) => value <= 0)).toBe(true)
    expect(second.outputIds).toEqual(first.outputIds)
    expect([first.summary.images_cached, second.summary.images_cached]).toEqual([0, 1])
  })
})

describe('a worker that cannot start', () => {
  it('says that its address is taken', async () => {
    const port = Number(new URL(worker.url).port)
    await expect(startWorker({ ...options, port })).rejects.toMatchObject({ code: 'worker.unavailable' })
  })

  it('says that there is no model', async () => {
    const start = startWorker({ ...options, modelPath: import.meta.dirname })
    await expect(start).rejects.toMatchObject({ code: 'tokenizer.invalid' })
  })
})
