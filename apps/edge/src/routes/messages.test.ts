import { AppError } from '@loupe/shared/errors'
import {
  type AnthropicEvent,
  anthropicError,
  anthropicEvent,
  anthropicMessage,
  messageTokens,
} from '@loupe/shared/schema'
import { createSseParser } from '@loupe/shared/wire'
import { describe, expect, it, vi } from 'vitest'
import { says, TINY_MODEL } from '../testing/fake-worker.ts'
import { bearer, createKeyedApp } from '../testing/key-admin.ts'
import { createTestApp, type TestApp } from '../testing/test-app.ts'
import { tinyId, tinyTokenizer } from '../testing/tiny-tokenizer.ts'

const hello = { model: TINY_MODEL, max_tokens: 50, messages: [{ role: 'user', content: 'hello' }] }
/** What the tools take in the prompt does not fit the context of the usual model of the tests. */
const model = { context_length: 4096 }
const tools = [{ name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } }]
const CALL = '{"name": "weather", "parameters": {"city": "Rome"}}'

const post = (app: TestApp, body: Readonly<Record<string, unknown>> = {}, init: RequestInit = {}) =>
  app.request('/v1/messages', { method: 'POST', body: JSON.stringify({ ...hello, ...body }), ...init })
const messageOf = async (reply: Response) => anthropicMessage.parse(await reply.json())
const errorOf = async (reply: Response) => anthropicError.parse(await reply.json())

/** The events of a stream, each as the schema has it and under its own name. */
async function eventsOf(reply: Response): Promise<AnthropicEvent[]> {
  const sent = createSseParser().push(new Uint8Array(await reply.arrayBuffer()))
  return sent.map(({ event, data }) => {
    const parsed = anthropicEvent.parse(JSON.parse(data))
    expect(event).toBe(parsed.type)
    return parsed
  })
}

describe('a message', () => {
  it('has what the model says, why it ended and what it took, but for what a cache had', async () => {
    const app = await createTestApp()
    const reply = await post(app)
    expect(reply.headers.get('request-id')).toBe(reply.headers.get('x-request-id'))
    const message = await messageOf(reply)
    expect(message).toMatchObject({
      id: expect.stringMatching(/^msg_[0-9a-f]{48}$/),
      role: 'assistant',
      model: TINY_MODEL,
      content: [{ type: 'text', text: 'hello', citations: null }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { cache_read_input_tokens: 3, cache_creation_input_tokens: 0, output_tokens: 5 },
    })
    const counted = await app.request('/v1/messages/count_tokens', { method: 'POST', body: JSON.stringify(hello) })
    const { input_tokens } = messageTokens.parse(await counted.json())
    expect(message.usage.input_tokens).toBe(input_tokens - 3)
    const [asked] = app.worker.admitted
    expect(asked?.inputIds.length).toBe(input_tokens)
    expect(asked?.parameters.max_tokens).toBe(50)
  })

  it('tells which stop sequence has ended it', async () => {
    const app = await createTestApp()
    app.worker.script = says('a. b')
    const message = await messageOf(await post(app, { stop_sequences: ['x', '.'] }))
    expect(message).toMatchObject({ content: [{ text: 'a' }], stop_reason: 'stop_sequence', stop_sequence: '.' })
  })

  it('has calls of functions with their arguments as an object, and none that was cut off', async () => {
    const app = await createTestApp({ model })
    app.worker.script = says(CALL)
    const whole = await messageOf(await post(app, { tools }))
    expect(whole).toMatchObject({
      content: [{ type: 'tool_use', id: expect.stringMatching(/^toolu_/), name: 'weather', input: { city: 'Rome' } }],
      stop_reason: 'tool_use',
    })
    app.worker.script = says(CALL.slice(0, -9), 'length')
    expect(await messageOf(await post(app, { tools }))).toMatchObject({ content: [], stop_reason: 'max_tokens' })
  })

  it('goes on with what the assistant has begun', async () => {
    const app = await createTestApp()
    await post(app, { messages: [...hello.messages, { role: 'assistant', content: 'A red' }] })
    expect(tinyTokenizer.decode(app.worker.admitted[0]?.inputIds ?? []).endsWith('A red')).toBe(true)
  })

  it('looks at pictures', async () => {
    const app = await createTestApp()
    const source = { type: 'base64', media_type: 'image/png', data: 'AQID' }
    const content = [
      { type: 'image', source },
      { type: 'text', text: 'What?' },
    ]
    expect((await post(app, { messages: [{ role: 'user', content }] })).status).toBe(200)
    expect(app.decoded).toEqual([Uint8Array.of(1, 2, 3)])
  })

  it('looks at a picture that was uploaded', async () => {
    const app = await createTestApp()
    const body = new FormData()
    body.set('purpose', 'vision')
    body.set('file', new File([Uint8Array.of(7, 8, 9, 0)], 'a.png'))
    const { id } = (await (await app.request('/v1/files', { method: 'POST', body })).json()) as { id: string }
    const ask = (file_id: string) => {
      const image = { type: 'image', source: { type: 'file', file_id } }
      return post(app, { messages: [{ role: 'user', content: [image] }] })
    }
    expect((await ask(id)).status).toBe(200)
    expect(app.decoded).toEqual([Uint8Array.of(7, 8, 9, 0)])
    const unknown = await errorOf(await ask('file-none'))
    expect(unknown.error.param).toBe('messages[0].content[0].source.file_id')
  })

  it('names fields without effect', async () => {
    const reply = await post(await createTestApp(), { seed: 4 })
    expect(reply.headers.get('x-loupe-warning')).toBe('no effect: seed')
  })
})

describe('a streamed message', () => {
  it('has named events in the order of Anthropic', async () => {
    const app = await createTestApp()
    app.worker.script = says('hi')
    const reply = await post(app, { stream: true })
    expect(reply.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const events = await eventsOf(reply)
    expect(events.map(({ type }) => type)).toEqual([
      'message_start',
      'ping',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    expect(events[0]).toMatchObject({ message: { content: [], stop_reason: null, usage: { output_tokens: 0 } } })
    expect(events.at(-2)).toMatchObject({
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { cache_read_input_tokens: 3, output_tokens: 2 },
    })
  })

  it('tells calls as blocks whose pieces make up the arguments', async () => {
    const app = await createTestApp({ model })
    app.worker.script = says(`[${CALL}, ${CALL}]`)
    const events = await eventsOf(await post(app, { stream: true, tools }))
    const starts = events.filter(({ type }) => type === 'content_block_start')
    expect(starts).toMatchObject([0, 1].map((index) => ({ index, content_block: { type: 'tool_use', input: {} } })))
    const pieces = events.flatMap((event) => {
      const isInput = event.type === 'content_block_delta' && event.delta.type === 'input_json_delta'
      return isInput && event.index === 1 ? [event.delta] : []
    })
    const whole = pieces.map((delta) => ('partial_json' in delta ? delta.partial_json : '')).join('')
    expect(JSON.parse(whole)).toEqual({ city: 'Rome' })
    expect(events.at(-2)).toMatchObject({ delta: { stop_reason: 'tool_use' } })
  })

  it('ends with an error event when something breaks behind the first byte', async () => {
    const app = await createTestApp()
    app.worker.script = () => [
      { type: 'tokens', ids: [tinyId('a')] },
      new AppError('worker.timeout', 'The worker slept.'),
    ]
    const events = await eventsOf(await post(app, { stream: true }))
    expect(events.at(-1)).toMatchObject({
      type: 'error',
      error: { type: 'api_error', message: 'The worker slept.', code: 'worker.timeout' },
      request_id: expect.stringMatching(/^req_/),
    })
    expect(events.map(({ type }) => type)).not.toContain('message_stop')
    expect(app.log).toContainEqual(expect.objectContaining({ code: 'worker.timeout' }))
  })

  it('stops the worker when its reader leaves', async () => {
    const app = await createTestApp()
    app.worker.script = says('\u00e9\u00e9\u00e9')
    const reader = (await post(app, { stream: true })).body?.getReader() ?? expect.fail('a stream has a body')
    for (let text = ''; !text.includes(': ping'); ) text = new TextDecoder().decode((await reader.read()).value)
    await reader.cancel()
    await vi.waitFor(() => expect(app.worker.left).toBe(1))
  })
})

describe('an error in the form of Anthropic', () => {
  it('points at the request as it was sent', async () => {
    const source = { type: 'base64', media_type: 'image/png', data: 'AAAA' }
    const body = { system: 'Be brief.', messages: [{ role: 'user', content: [{ type: 'image', source }] }] }
    const reply = await post(await createTestApp(), body)
    expect(reply.status).toBe(400)
    expect(await errorOf(reply)).toMatchObject({
      error: { type: 'invalid_request_error', code: 'image.malformed', param: 'messages[0].content[0].source' },
      request_id: reply.headers.get('request-id'),
    })
  })

  it('tells a client that asks for a thread to send the whole conversation', async () => {
    const reply = await post(await createTestApp(), { thread: { type: 'create' } })
    const { error } = await errorOf(reply)
    expect(error).toMatchObject({ param: 'thread', details: { error_code: 'thread_unsupported_request' } })
  })

  it.each([
    [404, 'not_found_error', { model: 'x' }],
    [400, 'invalid_request_error', { max_tokens: null }],
    [400, 'invalid_request_error', { max_tokens: 100_000 }],
  ])('has the status %d and the type %s', async (status, type, body) => {
    const reply = await post(await createTestApp(), body)
    expect([reply.status, (await errorOf(reply)).error.type]).toEqual([status, type])
  })

  it('is told who has no key, at this address only', async () => {
    const app = await createTestApp({ config: { apiKeys: ['secret'], isOpen: false } })
    const reply = await post(app)
    expect([reply.status, (await errorOf(reply)).error.type]).toEqual([401, 'authentication_error'])
    expect(reply.headers.get('request-id')).not.toBeNull()
    expect((await post(app, {}, { headers: { 'x-api-key': 'secret' } })).status).toBe(200)
    expect(await (await app.request('/v1/models')).json()).toMatchObject({ error: { param: null } })
  })

  it('is told a key that is used otherwise, and one that is used too often', async () => {
    const app = await createKeyedApp()
    const { key: other } = await app.createKey({ scopes: ['models'] })
    const forbidden = await post(app, {}, bearer(other))
    expect([forbidden.status, (await errorOf(forbidden)).error.type]).toEqual([403, 'permission_error'])
    const { key } = await app.createKey({ limits: { requests_per_minute: 1 } })
    expect((await post(app, {}, bearer(key))).status).toBe(200)
    const limited = await post(app, {}, bearer(key))
    expect([limited.status, (await errorOf(limited)).error.type]).toEqual([429, 'rate_limit_error'])
  })

  it('is told of a body that is too large', async () => {
    const reply = await post(await createTestApp(), { system: 'a'.repeat(12 * 1024 * 1024) })
    expect([reply.status, (await errorOf(reply)).error.type]).toEqual([413, 'request_too_large'])
  })

  it('says when to come back while the worker is overloaded', async () => {
    const app = await createTestApp()
    app.worker.refusal = new AppError('queue.full')
    const reply = await post(app)
    expect([reply.status, (await errorOf(reply)).error.type]).toEqual([429, 'rate_limit_error'])
    expect(reply.headers.get('retry-after')).toBe('1')
    app.worker.refusal = new AppError('worker.unavailable')
    expect((await errorOf(await post(app))).error.type).toBe('overloaded_error')
  })

  it('is what another method and another address get', async () => {
    const app = await createTestApp()
    const reply = await app.request('/v1/messages')
    expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'POST'])
    expect((await errorOf(reply)).error.code).toBe('route.method')
    expect((await errorOf(await app.request('/v1/messages/batches'))).error.type).toBe('not_found_error')
  })
})
