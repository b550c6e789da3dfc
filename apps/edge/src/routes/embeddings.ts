import { type EmbeddingList, type EmbeddingsRequest, readEmbeddingsRequest } from '@loupe/shared/schema'
import { Hono } from 'hono'
import type { EdgeEnv } from '../edge-env.ts'
import { embedPictures } from '../embeddings/embed-pictures.ts'
import { LIMITS } from '../limits.ts'
import { readJson } from '../read-json.ts'
import { warningHeaders } from '../warning-headers.ts'

/** `POST /v1/embeddings`: pictures as the model's own features. */
export const embeddings = new Hono<EdgeEnv>().post('/', async (c) => {
  const { services, requestId, tenant } = c.var
  const request = readEmbeddingsRequest(await readJson(c.req.raw, LIMITS.requestBytes))
  const source = { services, identity: { tenant, requestId } }
  const { model, embeddings: all, tokens } = await embedPictures(request, source, c.req.raw.signal)
  const data = all.map((embedding, index) => {
    return { object: 'embedding', index, embedding: written(embedding, request) } as const
  })
  const usage = { prompt_tokens: tokens, total_tokens: tokens }
  return c.json<EmbeddingList>({ object: 'list', data, model, usage }, 200, warningHeaders(request.ignored))
})

function written(embedding: Float32Array<ArrayBuffer>, { encoding }: EmbeddingsRequest): number[] | string {
  if (encoding === 'float') return [...embedding]
  return btoa(Array.from(new Uint8Array(littleEndian(embedding)), (byte) => String.fromCharCode(byte)).join(''))
}

function littleEndian(values: Float32Array): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(values.byteLength))
  values.forEach((value, at) => {
    view.setFloat32(at * values.BYTES_PER_ELEMENT, value, true)
  })
  return view.buffer
}
