import { describe, expect, it } from 'vitest'
import type { Fetch } from './fetch.ts'
import { createTestApp } from './testing/test-app.ts'

const showing = (url: string) => ({
  model: 'org/tiny',
  messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
})
const hello = { messages: [{ role: 'user', content: 'hello' }] }
const bearer = (key: string) => ({ headers: { authorization: `Bearer ${key}` } })
const closed = { isOpen: false, apiKeys: ['sk-one', 'sk-two'] }

describe('health', () => {
  it('/healthz answers whatever the worker does, without a key', async () => {
    const app = await createTestApp({ config: closed })
    app.worker.isDown = true
    const reply = await app.request('/healthz')
    expect(reply.status).toBe(200)
    expect(await reply.json()).toEqual({ status: 'ok' })
  })

  it('/readyz tells whether the worker is ready', async () => {
    const app = await createTestApp()
    expect((await app.request('/readyz')).status).toBe(200)
    app.worker.isDown = true
    const reply = await app.request('/readyz')
    expect(reply.status).toBe(503)
    expect(await reply.json()).toMatchObject({ error: { code: 'worker.unavailable' } })
    expect(reply.headers.get('retry-after')).toBe('1')
  })
})

describe('keys', () => {
  it('serves a known key and refuses the rest with OpenAI’s own code', async () => {
    const app = await createTestApp({ config: closed })
    expect((await app.chat(hello, bearer('sk-two'))).status).toBe(200)
    for (const init of [{}, bearer('sk-on'), bearer('sk-onee'), bearer('sk-one,sk-two'), bearer('')]) {
      const reply = await app.chat(hello, init)
      expect(reply.status).toBe(401)
      expect(await reply.json()).toMatchObject({ error: { type: 'authentication_error', code: 'invalid_api_key' } })
      expect(reply.headers.get('x-should-retry')).toBe('false')
    }
    expect(app.worker.admitted).toHaveLength(1)
  })

  it('is closed, not open, when no key is configured outside local development', async () => {
    const app = await createTestApp({ config: { isOpen: false, apiKeys: [] } })
    expect((await app.chat(hello, bearer('anything'))).status).toBe(401)
    expect((await app.request('/v1/models')).status).toBe(401)
  })

  it('gives each key a tenant of its own that does not tell the key', async () => {
    const app = await createTestApp({ config: closed })
    for (const key of ['sk-one', 'sk-two', 'sk-one']) await app.chat(hello, bearer(key))
    const tenants = app.worker.admitted.map(({ parameters }) => parameters.tenant)
    expect(tenants[0]).toMatch(/^[0-9a-f]{32}$/)
    expect(tenants[2]).toBe(tenants[0])
    expect(tenants[1]).not.toBe(tenants[0])
  })
})

describe('every reply', () => {
  it('has a request id, of its own or the client’s, also when it failed (rule 18)', async () => {
    const app = await createTestApp()
    const own = await app.request('/v1/nothing')
    expect(own.status).toBe(404)
    expect(own.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/)
    const given = await app.chat(hello, { headers: { 'x-request-id': 'mine-1' } })
    expect(given.headers.get('x-request-id')).toBe('mine-1')
    expect(app.worker.admitted[0]).toMatchObject({ id: 'mine-1', parameters: { request_id: 'mine-1' } })
    const hostile = await app.chat(hello, { headers: { 'x-request-id': 'a b"' } })
    expect(hostile.headers.get('x-request-id')).toMatch(/^req_/)
  })

  it('tells how long it took, and lets a page of another origin read it (rule 18)', async () => {
    const app = await createTestApp()
    for (const path of ['/v1/models', '/v1/nothing']) {
      const reply = await app.request(path, { headers: { origin: 'https://page.example' } })
      expect(reply.headers.get('openai-processing-ms')).toMatch(/^\d+$/)
      expect(reply.headers.get('access-control-allow-origin')).toBe('*')
      expect(reply.headers.get('access-control-expose-headers')).toContain('x-request-id')
    }
  })

  it('is one line of the log, without body or key', async () => {
    const app = await createTestApp({ config: closed })
    await app.chat({ messages: [{ role: 'user', content: 'my secret' }] }, bearer('sk-one'))
    expect(app.log).toHaveLength(1)
    expect(app.log[0]).toMatchObject({ method: 'POST', path: '/v1/chat/completions', status: 200 })
    expect(JSON.stringify(app.log)).not.toMatch(/my secret|sk-one/)
  })

  it.each([
    ['a body that is no JSON', '{"messages": my secret}'],
    ['an address that is none', JSON.stringify(showing('https://my secret'))],
    ['a picture that is not base64', JSON.stringify(showing('data:image/png;base64,my secret!'))],
    ['a picture that cannot be fetched', JSON.stringify(showing('https://example.com/?key=my+secret'))],
  ])('quotes nothing of %s', async (_, body) => {
    const fetchImage: Fetch = (url) => Promise.reject(new TypeError(`cannot fetch ${url}`))
    const app = await createTestApp({ fetchImage })
    const reply = await app.request('/v1/chat/completions', { method: 'POST', body })
    expect(reply.status).toBe(400)
    expect(app.log).toHaveLength(1)
    expect(JSON.stringify(app.log)).not.toMatch(/secret/)
  })

  it('tells the operator the cause of a fault that is not the client’s', async () => {
    const app = await createTestApp()
    app.worker.isDown = true
    await app.chat(hello)
    const cause = expect.stringContaining('connection refused')
    expect(app.log).toContainEqual(expect.objectContaining({ code: 'worker.unavailable', cause }))
  })
})

describe('CORS', () => {
  it('answers the preflight of an SDK in a browser, which has no key yet (rule 18)', async () => {
    const app = await createTestApp({ config: closed })
    const reply = await app.request('/v1/chat/completions', {
      method: 'OPTIONS',
      headers: {
        origin: 'https://page.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-stainless-lang,x-stainless-retry-count',
      },
    })
    expect(reply.status).toBe(204)
    expect(reply.headers.get('access-control-allow-headers')).toContain('x-stainless-retry-count')
    expect(reply.headers.get('access-control-allow-methods')).toContain('POST')
  })
})

describe('addresses', () => {
  it('an unknown one is 404, another method is 405, both as error objects (rule 14)', async () => {
    const app = await createTestApp()
    const unknown = await app.request('/v1/unknown')
    expect(unknown.status).toBe(404)
    expect(await unknown.json()).toEqual({
      error: {
        message: 'There is nothing at GET /v1/unknown.',
        type: 'invalid_request_error',
        param: null,
        code: 'route.unknown',
      },
    })
    const question = await app.request('/v1/chat/completions')
    expect(question.status).toBe(405)
    expect(question.headers.get('allow')).toBe('POST')
    expect(await question.json()).toMatchObject({ error: { code: 'route.method' } })
    for (const path of ['/v1/models', '/v1/models/org/tiny']) {
      const removal = await app.request(path, { method: 'DELETE' })
      expect(removal.status).toBe(405)
      expect(removal.headers.get('allow')).toBe('GET, HEAD')
    }
    expect(app.log.map(({ code }) => code)).toEqual(['route.unknown', 'route.method', 'route.method', 'route.method'])
  })
})

describe('bodies', () => {
  /** A body in pieces of 1 MB, and how much of it was taken. */
  function piecesOf(megabytes: number) {
    const taken = { megabytes: 0 }
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (taken.megabytes === megabytes) return controller.close()
        taken.megabytes++
        controller.enqueue(new Uint8Array(1024 * 1024))
      },
    })
    return { body, taken }
  }

  it.each([
    ['with its length', { 'content-length': String(20 * 1024 * 1024) }],
    ['without', {}],
  ])('a 20 MB body %s is 413, and is taken in so that the client reads it', async (_, headers) => {
    const app = await createTestApp()
    const { body, taken } = piecesOf(20)
    const init = { method: 'POST', body, headers, duplex: 'half' } as RequestInit
    const reply = await app.request('/v1/chat/completions', init)
    expect(reply.status).toBe(413)
    expect(await reply.json()).toMatchObject({ error: { code: 'request.too_large' } })
    expect(taken.megabytes).toBe(20)
  })

  it('a body without end is 413, and is not taken in for ever', async () => {
    const app = await createTestApp()
    const { body, taken } = piecesOf(Number.POSITIVE_INFINITY)
    const reply = await app.request('/v1/chat/completions', { method: 'POST', body, duplex: 'half' } as RequestInit)
    expect(reply.status).toBe(413)
    expect(taken.megabytes).toBeLessThan(100)
  })

  it.each([
    ['nothing', '', 'an empty body'],
    ['half a JSON', '{"model":', 'something else'],
    ['text', 'hello', 'something else'],
    ['bytes that are not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'something else'],
  ])('%s is 400', async (_, body, found) => {
    const app = await createTestApp()
    const reply = await app.request('/v1/chat/completions', { method: 'POST', body })
    expect(reply.status).toBe(400)
    expect(await reply.json()).toMatchObject({
      error: { code: 'request.invalid', message: expect.stringContaining(found) },
    })
  })
})

describe('models (rule 25)', () => {
  it('are listed without a body', async () => {
    const app = await createTestApp()
    expect(await (await app.request('/v1/models')).json()).toEqual({
      object: 'list',
      data: [
        {
          id: 'org/tiny',
          object: 'model',
          created: 0,
          owned_by: 'loupe',
          context_length: 512,
          tokens_per_image: 4,
          input_modalities: ['text', 'image'],
        },
      ],
    })
  })

  it.each(['/v1/models/org/tiny', '/v1/models/org%2Ftiny'])('are found at %s', async (path) => {
    const app = await createTestApp()
    expect(await (await app.request(path)).json()).toMatchObject({ id: 'org/tiny' })
  })

  it.each(['/v1/models/org/other', '/v1/models/%2e%2e', '/v1/models/.', '/v1/models/a/%2e%2e/b'])(
    'are not found at %s',
    async (path) => {
      const app = await createTestApp()
      const reply = await app.request(path)
      expect(reply.status).toBe(404)
    },
  )

  it('are asked for once in a while, not for every request', async () => {
    const app = await createTestApp()
    await app.chat(hello)
    await app.chat(hello)
    const paths = app.worker.calls.map(({ path }) => path.replace(/.*org%2Ftiny/, ''))
    expect(paths).toEqual(['', '/tokenizer', '/generate_stream', '/generate_stream'])
  })
})
