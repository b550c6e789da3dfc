import { AppError } from '@loupe/shared/errors'
import { Hono } from 'hono'
import { describe, expect, it, vi } from 'vitest'
import type { EdgeEnv } from '../edge-env.ts'
import { errorReply } from '../error-reply.ts'
import { RequestLedger } from '../keys/request-ledger.ts'
import { LIMITS } from '../limits.ts'
import { says } from '../testing/fake-worker.ts'
import { bearer, createKeyedApp, type KeyedApp } from '../testing/key-admin.ts'
import { createMemoryReplyShelf } from '../testing/memory-reply-shelf.ts'
import { createTestApp } from '../testing/test-app.ts'
import { idempotency } from './idempotency.ts'

const hello = { messages: [{ role: 'user', content: 'hello' }] }
const withKey = (key: string, init: RequestInit = {}): RequestInit => {
  return { ...init, headers: { ...init.headers, 'idempotency-key': key } }
}
const replayed = (reply: Response) => reply.headers.get('idempotency-replayed')

/** The code of a refusal. */
async function codeOf(reply: Response): Promise<string> {
  const { error } = (await reply.json()) as { error: { code: string } }
  return error.code
}

describe('a request with an Idempotency-Key', () => {
  it.each([false, true])('is answered once; the same again gets the same bytes (stream: %s)', async (stream) => {
    const app = await createTestApp()
    const ask = () => app.chat({ ...hello, stream, top_q: 1 }, withKey('once'))
    const first = await ask()
    const text = await first.text()
    expect(replayed(first)).toBeNull()
    const again = await ask()
    expect(await again.text()).toBe(text)
    expect(replayed(again)).toBe('true')
    expect(again.status).toBe(200)
    for (const name of ['content-type', 'x-loupe-warning', ...(stream ? ['cache-control', 'x-accel-buffering'] : [])]) {
      expect(again.headers.get(name)).toBe(first.headers.get(name))
    }
    expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'))
    expect(app.worker.admitted).toHaveLength(1)
  })

  it('is another one under another key, and without one', async () => {
    const app = await createTestApp()
    for (const init of [withKey('one'), withKey('two'), {}, {}]) await (await app.chat(hello, init)).text()
    expect(app.worker.admitted).toHaveLength(4)
  })

  it.each([
    ['body', (app: KeyedApp) => app.chat({ ...hello, seed: 1 }, withKey('k'))],
    ['address', (app: KeyedApp) => app.request('/v1/tokenize', withKey('k', { method: 'POST', body: '{}' }))],
  ])('is refused with another %s', async (_, ask) => {
    const app = await createKeyedApp({ config: { isOpen: true } })
    await (await app.chat(hello, withKey('k'))).text()
    const reply = await ask(app)
    expect(reply.status).toBe(422)
    expect(reply.headers.get('x-should-retry')).toBe('false')
    expect(await codeOf(reply)).toBe('idempotency.mismatch')
  })

  it('is one tenant’s: the same key of another is another request', async () => {
    const app = await createKeyedApp()
    const keys = await Promise.all(['acme', 'acme', 'other'].map((owner) => app.createKey({ owner })))
    const told: (string | null)[] = []
    for (const { key } of keys) {
      const reply = await app.chat(hello, withKey('k', bearer(key)))
      told.push(replayed(reply))
      await reply.text()
    }
    expect(told).toEqual([null, 'true', null])
  })

  it('is refused while it is being answered, with a time to come back', async () => {
    const app = await createTestApp()
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    app.worker.beforeEvent = () => gate
    const first = app.chat(hello, withKey('k'))
    await vi.waitFor(() => expect(app.worker.admitted).toHaveLength(1))
    const second = await app.chat(hello, withKey('k'))
    expect(second.status).toBe(409)
    expect(second.headers.get('retry-after')).toBe('1')
    expect(await codeOf(second)).toBe('idempotency.running')
    open()
    const text = await (await first).text()
    await vi.waitFor(async () => expect(await (await app.chat(hello, withKey('k'))).text()).toBe(text))
    expect(app.worker.admitted).toHaveLength(1)
  })

  it('is answered once, however many come at the same time', async () => {
    const app = await createTestApp()
    const replies = await Promise.all(Array.from({ length: 20 }, () => app.chat(hello, withKey('k'))))
    expect(replies.filter(({ status }) => status === 200).length).toBeGreaterThan(0)
    await Promise.all(replies.map((reply) => reply.text()))
    expect(app.worker.admitted).toHaveLength(1)
  })

  it('is answered to its end although its client has left, so that nobody pays twice', async () => {
    const app = await createKeyedApp()
    const { key, id } = await app.createKey({ limits: { tokens_per_minute: 1000 } })
    app.worker.script = says('a b c d e f g h')
    const init = withKey('k', bearer(key))
    const left = new AbortController()
    const first = await app.chat({ ...hello, stream: true }, { ...init, signal: left.signal })
    const reader = first.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    left.abort()
    await vi.waitFor(async () => {
      const again = await app.chat({ ...hello, stream: true }, init)
      expect(replayed(again)).toBe('true')
      expect(await again.text()).toContain('[DONE]')
    })
    expect(app.worker.left).toBe(0)
    expect(app.worker.admitted).toHaveLength(1)
    const { usage } = await app.describeKey(id)
    const whole = await app.chat(hello, withKey('other', bearer(key)))
    const told = (await whole.json()) as { usage: { total_tokens: number } }
    expect(usage.tokens_this_minute).toBe(told.usage.total_tokens)
  })

  it('that failed is made again', async () => {
    const app = await createTestApp()
    const ask = (body: object = hello) => app.chat({ ...body }, withKey('k'))
    app.worker.isDown = true
    expect((await ask()).status).toBe(503)
    app.worker.isDown = false
    app.worker.refusal = new AppError('queue.full')
    expect((await ask()).status).toBe(429)
    app.worker.refusal = undefined
    expect((await ask({ messages: [] })).status).toBe(400)
    const reply = await ask()
    expect([reply.status, replayed(reply)]).toEqual([200, null])
  })

  it('that failed in its middle is made again', async () => {
    const app = await createTestApp()
    const ask = () => app.chat({ ...hello, stream: true }, withKey('k'))
    const [token] = says('a')({ inputIds: new Int32Array(1), imageDigests: [], patches: [], parameters: {} })
    app.worker.script = () => (token === undefined ? [] : [token, new AppError('worker.lost', 'Gone.')])
    expect(await (await ask()).text()).toContain('worker.lost')
    app.worker.script = says('hello')
    await vi.waitFor(async () => {
      const reply = await ask()
      expect([reply.status, replayed(reply)]).toEqual([200, null])
      expect(await reply.text()).toContain('[DONE]')
    })
    expect(app.worker.admitted).toHaveLength(2)
  })

  it('is refused by name when its reply was too long to be kept', async () => {
    let answered = 0
    const app = new Hono<EdgeEnv>()
      .use(async (c, next) => {
        c.set('tenant', 'open')
        c.set('ledger', new RequestLedger({ account: undefined, headroom: {}, keepAlive: () => {}, onLost: () => {} }))
        await next()
      })
      .use(idempotency({ replies: createMemoryReplyShelf(() => 0), maxRequestBytes: 10, maxReplyBytes: 10 }))
      .post('/:reply', (c) => {
        answered++
        return c.text(c.req.param('reply'))
      })
    app.onError((error) => errorReply(AppError.from(error)))
    for (const [text, status] of [
      ['0123456789', 200],
      ['0123456789a', 409],
    ] as const) {
      const ask = () => app.request(`/${text}`, withKey(text, { method: 'POST', body: '{}' }))
      expect(await (await ask()).text()).toBe(text)
      const again = await ask()
      expect(again.status).toBe(status)
      if (status === 409) {
        expect(again.headers.get('x-should-retry')).toBe('false')
        expect(await codeOf(again)).toBe('idempotency.not_kept')
      }
    }
    expect(answered).toBe(2)
  })

  it('is forgotten after a day', async () => {
    const app = await createTestApp()
    await (await app.chat(hello, withKey('k'))).text()
    const startMs = Date.now()
    app.clock.nowMs = () => startMs + 86_400_000 - 1000
    expect(replayed(await app.chat(hello, withKey('k')))).toBe('true')
    app.clock.nowMs = () => startMs + 86_401_000
    expect(replayed(await app.chat(hello, withKey('k')))).toBeNull()
  })

  it.each(['', 'two words', 'k'.repeat(256), 'schlüssel'])('is refused when the key is %j', async (key) => {
    const app = await createTestApp()
    const reply = await app.chat(hello, withKey(key))
    expect(reply.status).toBe(400)
    expect(await reply.json()).toMatchObject({ error: { code: 'request.invalid', param: 'Idempotency-Key' } })
  })

  it('has a body within the limit', async () => {
    const app = await createTestApp()
    const body = new Uint8Array(LIMITS.requestBytes + 1)
    const reply = await app.request('/v1/chat/completions', withKey('k', { method: 'POST', body }))
    expect(reply.status).toBe(413)
    expect(await codeOf(reply)).toBe('request.too_large')
  })

  it('has no effect on what is only read', async () => {
    const app = await createTestApp()
    for (let count = 0; count < 2; count++) {
      expect(replayed(await app.request('/v1/models', withKey('k')))).toBeNull()
    }
  })
})
