import { AppError } from '@loupe/shared/errors'
import { type ChatCompletionChunk, chatCompletionChunk, errorReply } from '@loupe/shared/schema'
import { describe, expect, it, vi } from 'vitest'
import { says, saysIds, TINY_MODEL } from '../testing/fake-worker.ts'
import { readChunks, readEvents } from '../testing/read-events.ts'
import { createTestApp, type TestApp } from '../testing/test-app.ts'
import { tinyId } from '../testing/tiny-tokenizer.ts'

const hello = { messages: [{ role: 'user', content: 'hello' }] }
const streamed = { ...hello, stream: true }
const withUsage = { ...streamed, stream_options: { include_usage: true } }

const chunksOf = async (app: TestApp, body: Record<string, unknown>) =>
  readChunks<ChatCompletionChunk>(await app.chat(body))

describe('a streamed answer', () => {
  it('is text/event-stream that nobody may hold back or rewrite (rule 5)', async () => {
    const app = await createTestApp()
    const reply = await app.chat(streamed)
    expect(reply.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(reply.headers.get('cache-control')).toBe('no-cache, no-transform')
    expect(reply.headers.get('x-accel-buffering')).toBe('no')
  })

  it('sends its headers right after admission, before the first token (rule 5)', async () => {
    const app = await createTestApp()
    const { promise, resolve } = Promise.withResolvers<void>()
    app.worker.beforeEvent = () => promise
    const reply = await app.chat(streamed)
    expect(reply.status).toBe(200)
    resolve()
    expect((await readEvents(reply)).at(-1)).toBe('[DONE]')
  })

  it('ends with [DONE], after the usage chunk (rule 1)', async () => {
    const app = await createTestApp()
    const events = await readEvents(await app.chat(withUsage))
    expect(events.at(-1)).toBe('[DONE]')
    expect(JSON.parse(events.at(-2) ?? '')).toMatchObject({ choices: [], usage: { completion_tokens: 5 } })
    expect(events.filter((data) => data === '[DONE]')).toHaveLength(1)
  })

  it('begins with the role, once, and then has text only (rule 7)', async () => {
    const app = await createTestApp()
    const chunks = await chunksOf(app, streamed)
    const roles = chunks.map((chunk) => chunk.choices[0]?.delta.role)
    expect(roles).toEqual(['assistant', ...Array.from({ length: chunks.length - 1 }, () => undefined)])
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('hello')
  })

  it('has finish_reason null until the end, and there once (rule 8)', async () => {
    const app = await createTestApp()
    const reasons = (await chunksOf(app, streamed)).map((chunk) => chunk.choices[0]?.finish_reason)
    expect(reasons.slice(0, -1).every((reason) => reason === null)).toBe(true)
    expect(reasons.at(-1)).toBe('stop')
  })

  it('has choices in every chunk, and no usage unless it was asked for (rule 9)', async () => {
    const app = await createTestApp()
    for (const chunk of await chunksOf(app, streamed)) {
      expect(chunk.choices).toHaveLength(1)
      expect(chunk).not.toHaveProperty('usage')
    }
  })

  it('has usage null in every chunk but the last when it was asked for (rule 9)', async () => {
    const app = await createTestApp()
    const chunks = await chunksOf(app, withUsage)
    expect(chunks.slice(0, -1).every(({ usage, choices }) => usage === null && choices.length === 1)).toBe(true)
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { completion_tokens: 5, prompt_tokens_details: { cached_tokens: 3, image_tokens: 0 } },
    })
  })

  it('tells the usage so far in every chunk for continuous_usage_stats (rule 9)', async () => {
    const app = await createTestApp()
    const stream_options = { include_usage: true, continuous_usage_stats: true }
    const counts = (await chunksOf(app, { ...streamed, stream_options })).map(({ usage }) => usage?.completion_tokens)
    expect(counts).toEqual([0, 1, 2, 3, 4, 5, 5, 5])
  })

  it('has an index on every choice, and id, created, model and object that do not change (rules 10, 11)', async () => {
    const app = await createTestApp()
    const chunks = await chunksOf(app, withUsage)
    for (const chunk of chunks) {
      chatCompletionChunk.parse(chunk)
      expect(chunk).toMatchObject({ id: chunks[0]?.id, created: chunks[0]?.created, model: TINY_MODEL })
      expect(chunk.choices.every(({ index }) => index === 0)).toBe(true)
    }
  })

  it('never splits a character (rule 12)', async () => {
    const app = await createTestApp()
    const bytes = [...new TextEncoder().encode('é€😀')]
    app.worker.script = saysIds(bytes.map((byte) => tinyId(`<0x${byte.toString(16).toUpperCase()}>`)))
    const parts = (await chunksOf(app, streamed)).flatMap((chunk) => chunk.choices[0]?.delta.content || [])
    expect(parts).toEqual(['é', '€', '😀'])
  })

  it('holds a stop string back and never shows it (rule 12)', async () => {
    const app = await createTestApp()
    app.worker.script = says('abc<end>def')
    const shown = (await chunksOf(app, { ...streamed, stop: '<end>' })).map((c) => c.choices[0]?.delta.content ?? '')
    expect(shown.join('')).toBe('abc')
    expect(shown.every((part) => !part.includes('<'))).toBe(true)
  })

  it('tells a fault after the first byte as a data event with an error object, without [DONE] (rule 15)', async () => {
    const app = await createTestApp()
    app.worker.script = () => [{ type: 'tokens', ids: [tinyId('a')] }, new AppError('runtime.failed', 'out of memory')]
    const reply = await app.chat(streamed)
    expect(reply.status).toBe(200)
    const events = await readEvents(reply)
    expect(errorReply.parse(JSON.parse(events.at(-1) ?? ''))).toMatchObject({ error: { code: 'runtime.failed' } })
    expect(events).not.toContain('[DONE]')
    expect(app.log).toContainEqual(expect.objectContaining({ code: 'runtime.failed' }))
  })

  it('tells that the worker broke off in the middle (rule 15)', async () => {
    const app = await createTestApp()
    app.worker.script = () => [{ type: 'tokens', ids: [tinyId('a')] }]
    const events = await readEvents(await app.chat(streamed))
    expect(JSON.parse(events.at(-1) ?? '')).toMatchObject({ error: { code: 'worker.lost' } })
  })

  it('stops the worker when the client leaves', async () => {
    const app = await createTestApp()
    app.worker.script = () => Array.from({ length: 1000 }, () => ({ type: 'tokens', ids: [tinyId('a')] }) as const)
    const reader = (await app.chat(streamed)).body?.getReader()
    await reader?.read()
    await reader?.cancel()
    await vi.waitFor(() => expect(app.worker.left).toBeGreaterThan(0))
  })
})
