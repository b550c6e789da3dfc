import { describe, expect, it } from 'vitest'
import { picture, text } from './content-parts.ts'
import { createClient } from './create-client.ts'
import { LoupeError } from './loupe-error.ts'

const COUNT = {
  input_tokens: 3,
  text_tokens: 3,
  image_tokens: 0,
  images: 0,
  context_length: 10,
  fits: true,
  max_answer_tokens: 7,
}
const CHUNK = {
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  system_fingerprint: 'f',
  choices: [{ index: 0, delta: { content: 'hi' }, logprobs: null, finish_reason: null }],
}
const BODY = { model: 'm', messages: [{ role: 'user' as const, content: 'hello' }] }

/** A server that gives these replies in turn, and what it was sent. */
function server(...replies: (() => Response)[]) {
  const sent: { url: string; body: unknown; authorization: string | null }[] = []
  const answer = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init)
    const body: unknown = request.method === 'POST' ? await request.json() : undefined
    sent.push({ url: request.url, body, authorization: request.headers.get('authorization') })
    const reply = replies.shift()
    if (reply === undefined) throw new TypeError('refused')
    return reply()
  }
  return { sent, client: createClient({ baseUrl: 'https://loupe.test/', apiKey: 'key', fetch: answer }) }
}

function failure(status: number, headers: Record<string, string>, code = 'worker.busy'): () => Response {
  const error = { message: 'No.', type: 'server_error', param: 'model', code }
  return () => Response.json({ error }, { status, headers: { 'x-request-id': 'r1', ...headers } })
}

async function gathered<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('createClient', () => {
  it('sends the key and the body and gives the checked reply', async () => {
    const { sent, client } = server(() => Response.json(COUNT))
    expect(await client.count(BODY)).toEqual(COUNT)
    expect(sent).toEqual([{ url: 'https://loupe.test/v1/count', body: BODY, authorization: 'Bearer key' }])
  })

  it('tries again after the wait that the server names', async () => {
    const { sent, client } = server(failure(503, { 'retry-after-ms': '1' }), () => Response.json(COUNT))
    expect(await client.count(BODY)).toEqual(COUNT)
    expect(sent).toHaveLength(2)
  })

  it('does not try again when the server says that it would not help', async () => {
    const { sent, client } = server(failure(429, { 'x-should-retry': 'false' }, 'insufficient_quota'))
    const error = await faultOf(client.count(BODY))
    expect(error).toBeInstanceOf(LoupeError)
    expect(error).toMatchObject({ code: 'insufficient_quota', status: 429, param: 'model', requestId: 'r1' })
    expect(sent).toHaveLength(1)
  })

  it('gives up after its retries', async () => {
    const busy = failure(503, { 'retry-after-ms': '1' })
    const { sent, client } = server(busy, busy, busy, busy)
    expect(await faultOf(client.count(BODY))).toMatchObject({ code: 'worker.busy', retryAfterMs: 1 })
    expect(sent).toHaveLength(3)
  })

  it('fails with the reason of the signal, not with an error of its own', async () => {
    const { sent, client } = server()
    const reason = new Error('enough')
    expect(await faultOf(client.models({ signal: AbortSignal.abort(reason) }))).toBe(reason)
    expect(sent).toEqual([])
  })

  it('refuses a reply that is not of the schema', async () => {
    const { client } = server(() => Response.json({ ...COUNT, fits: 'yes' }))
    expect(await faultOf(client.count(BODY))).toMatchObject({ code: 'client.bad_reply', status: 200 })
  })

  it('streams chunks up to [DONE] and asks for the usage', async () => {
    const { sent, client } = server(() => new Response(`data: ${JSON.stringify(CHUNK)}\n\ndata: [DONE]\n\n`))
    const chunks = await gathered(client.chatStream(BODY))
    expect(chunks.map(({ choices }) => choices[0]?.delta.content)).toEqual(['hi'])
    expect(sent[0]?.body).toMatchObject({ stream: true, stream_options: { include_usage: true } })
  })

  it('fails when a stream ends with an error or before its end', async () => {
    const lost = { error: { message: 'Gone.', type: 'server_error', param: null, code: 'worker.lost' } }
    const { client } = server(
      () => new Response(`data: ${JSON.stringify(lost)}\n\n`),
      () => new Response(`data: ${JSON.stringify(CHUNK)}\n\n`),
    )
    expect(await faultOf(gathered(client.chatStream(BODY)))).toMatchObject({ code: 'worker.lost' })
    expect(await faultOf(gathered(client.chatStream(BODY)))).toMatchObject({ code: 'client.bad_reply' })
  })
})

describe('content parts', () => {
  it('writes a file as a data URI of all its bytes', async () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, at) => at % 256)
    const part = await picture(new Blob([bytes], { type: 'image/png' }), { detail: 'high' })
    const reply = await fetch(part.image_url.url)
    expect(new Uint8Array(await reply.arrayBuffer())).toEqual(bytes)
    expect(part.image_url).toMatchObject({ detail: 'high' })
    expect(text('a')).toEqual({ type: 'text', text: 'a' })
  })
})
