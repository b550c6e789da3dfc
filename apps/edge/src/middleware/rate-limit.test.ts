import { describe, expect, it, vi } from 'vitest'
import { says } from '../testing/fake-worker.ts'
import { bearer, createKeyedApp, type KeyedApp } from '../testing/key-admin.ts'

const NOW = Date.UTC(2026, 10, 24, 12)
const hello = { messages: [{ role: 'user', content: 'hello' }] }

/** An app at a time that stands still, and a key with these limits. */
async function appWith(limits: Readonly<Record<string, number>>, fields = {}) {
  const app = await createKeyedApp()
  app.clock.nowMs = () => NOW
  const { id, key } = await app.createKey({ limits, ...fields })
  const chat = (body = {}) => app.chat({ ...hello, ...body }, bearer(key))
  return { app, id, key, chat }
}

/** How many tokens the prompt of `hello` has. */
async function promptTokens(): Promise<number> {
  const { chat } = await appWith({})
  const reply = (await (await chat()).json()) as { usage: { prompt_tokens: number } }
  return reply.usage.prompt_tokens
}

const usage = async (app: KeyedApp, id: string) => (await app.describeKey(id)).usage

describe('requests per minute', () => {
  it('are exact under 50 at a time, and told on every reply', async () => {
    const { chat } = await appWith({ requests_per_minute: 7 })
    const replies = await Promise.all(Array.from({ length: 50 }, () => chat()))
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(7)
    expect(replies.filter(({ status }) => status === 429)).toHaveLength(43)
    for (const { headers } of replies) {
      expect(headers.get('x-ratelimit-limit-requests')).toBe('7')
      expect(headers.get('x-ratelimit-reset-requests')).toBe('1m1s')
    }
  })

  it('are counted down', async () => {
    const { app, key } = await appWith({ requests_per_minute: 3 })
    const remaining: (string | null)[] = []
    for (let count = 0; count < 4; count++) {
      const reply = await app.request('/v1/models', bearer(key))
      remaining.push(reply.headers.get('x-ratelimit-remaining-requests'))
    }
    expect(remaining).toEqual(['2', '1', '0', '0'])
  })

  it('are refused as OpenAI refuses them, with the time to come back (rule 17)', async () => {
    const { app, chat } = await appWith({ requests_per_minute: 1 })
    await chat()
    app.clock.nowMs = () => NOW + 30_500
    const reply = await chat()
    expect(reply.status).toBe(429)
    expect(await reply.json()).toEqual({
      error: {
        message: 'The API key may make 1 requests in a minute.',
        type: 'rate_limit_error',
        param: null,
        code: 'rate_limit_exceeded',
      },
    })
    expect(reply.headers.get('retry-after-ms')).toBe('30500')
    expect(reply.headers.get('retry-after')).toBe('31')
    expect(reply.headers.get('x-ratelimit-reset-requests')).toBe('30.5s')
    expect(app.log.at(-1)).toMatchObject({ code: 'rate.limited' })
    app.clock.nowMs = () => NOW + 61_000
    expect((await chat()).status).toBe(200)
  })

  it('are told on replies that failed, too, and other origins may read them (rule 18)', async () => {
    const { app, key } = await appWith({ requests_per_minute: 9, tokens_per_minute: 900 })
    const headers = { ...bearer(key).headers, origin: 'https://page.example' }
    for (const path of ['/v1/models', '/v1/nothing', '/v1/models/nobody']) {
      const reply = await app.request(path, { headers })
      for (const what of ['limit', 'remaining', 'reset']) {
        for (const of of ['requests', 'tokens']) {
          const name = `x-ratelimit-${what}-${of}`
          expect(reply.headers.get(name), `${path} ${name}`).not.toBeNull()
          expect(reply.headers.get('access-control-expose-headers')).toContain(name)
        }
      }
      expect(reply.headers.get('x-ratelimit-reset-tokens')).toBe('0s')
    }
  })

  it('of one key say nothing about another of the same owner, and a key without limits tells none', async () => {
    const { app, chat } = await appWith({ requests_per_minute: 1 })
    await chat()
    expect((await chat()).status).toBe(429)
    const { key } = await app.createKey()
    const reply = await app.chat(hello, bearer(key))
    expect(reply.status).toBe(200)
    expect([...reply.headers.keys()].filter((name) => name.startsWith('x-ratelimit'))).toEqual([])
  })
})

describe('tokens per minute', () => {
  it('are set aside at the longest answer and settled with what it was', async () => {
    const prompt = await promptTokens()
    const { app, id, chat } = await appWith({ tokens_per_minute: 1000 })
    app.worker.script = says('hello')
    const reply = await chat({ max_tokens: 100 })
    expect(reply.headers.get('x-ratelimit-limit-tokens')).toBe('1000')
    expect(reply.headers.get('x-ratelimit-remaining-tokens')).toBe(String(1000 - prompt - 100))
    const body = (await reply.json()) as { usage: { total_tokens: number } }
    expect(await usage(app, id)).toMatchObject({ tokens_this_minute: body.usage.total_tokens, open_requests: 0 })
  })

  it('of several answers count together', async () => {
    const prompt = await promptTokens()
    const { chat } = await appWith({ tokens_per_minute: 1000 })
    const reply = await chat({ max_tokens: 100, n: 3 })
    expect(reply.headers.get('x-ratelimit-remaining-tokens')).toBe(String(1000 - prompt - 300))
  })

  it('that are not left are refused before the worker is asked', async () => {
    const prompt = await promptTokens()
    const { app, chat } = await appWith({ tokens_per_minute: 2 * prompt + 150 })
    expect((await chat({ max_tokens: 100, stream: true })).status).toBe(200) // not read: not settled
    const reply = await chat({ max_tokens: 51 })
    expect(reply.status).toBe(429)
    expect(await reply.json()).toMatchObject({ error: { code: 'rate_limit_exceeded' } })
    expect(reply.headers.get('retry-after-ms')).toBe('61000')
    expect(app.worker.admitted).toHaveLength(1)
    expect((await chat({ max_tokens: 50 })).status).toBe(200)
  })

  it('that no wait would give are refused for good', async () => {
    const { chat } = await appWith({ tokens_per_minute: 50 })
    const reply = await chat({ max_tokens: 51 })
    expect(reply.status).toBe(429)
    expect(reply.headers.get('x-should-retry')).toBe('false')
    expect(reply.headers.get('retry-after')).toBeNull()
  })

  it('of an answer whose client leaves are those that were made', async () => {
    const prompt = await promptTokens()
    const { app, id, chat } = await appWith({ tokens_per_minute: 1000 })
    app.worker.script = says('a b c d e f g h i j k l m n o p')
    const reply = await chat({ max_tokens: 200, stream: true })
    expect((await usage(app, id)).open_requests).toBe(1)
    const reader = reply.body?.getReader()
    for (let count = 0; count < 4; count++) await reader?.read()
    await reader?.cancel()
    await vi.waitFor(async () => expect((await usage(app, id)).open_requests).toBe(0))
    const used = (await usage(app, id)).tokens_this_minute
    expect(used).toBeGreaterThan(prompt)
    expect(used).toBeLessThan(prompt + 32)
  })

  it('of a request that the worker refuses are nobody’s', async () => {
    const { app, id, chat } = await appWith({ tokens_per_minute: 1000 })
    app.worker.isDown = true
    expect((await chat()).status).toBe(503)
    expect(await usage(app, id)).toMatchObject({ tokens_this_minute: 0, open_requests: 0, requests_this_minute: 1 })
  })
})

describe('quotas', () => {
  it.each(['tokens_per_day', 'tokens_per_month'])(
    '%s end with OpenAI’s own code, and no retry helps',
    async (limit) => {
      const prompt = await promptTokens()
      const { app, chat } = await appWith({ [limit]: prompt + 10 })
      expect((await chat({ max_tokens: 10 })).status).toBe(200)
      const reply = await chat({ max_tokens: 10 })
      expect(reply.status).toBe(429)
      expect(await reply.json()).toMatchObject({ error: { type: 'insufficient_quota', code: 'insufficient_quota' } })
      expect(reply.headers.get('x-should-retry')).toBe('false')
      expect(app.log.at(-1)).toMatchObject({ code: 'quota.exceeded' })
      app.clock.nowMs = () => NOW + 31 * 86_400_000
      expect((await chat({ max_tokens: 10 })).status).toBe(200)
    },
  )
})

describe('answers at a time', () => {
  it('are as many as the key may have', async () => {
    const { app, id, chat } = await appWith({ concurrent_requests: 2 })
    const open = await Promise.all([chat({ stream: true }), chat({ stream: true }), chat({ stream: true })])
    expect(open.map(({ status }) => status).sort()).toEqual([200, 200, 429])
    const refused = open.find(({ status }) => status === 429)
    expect(refused?.headers.get('retry-after')).toBe('1')
    await Promise.all(open.map((reply) => reply.text()))
    expect((await usage(app, id)).open_requests).toBe(0)
    expect((await chat()).status).toBe(200)
  })
})

describe('a managed key', () => {
  it('is refused when it has expired, with its own words', async () => {
    const { app, chat } = await appWith({}, { expires_at: NOW / 1000 + 60 })
    expect((await chat()).status).toBe(200)
    app.clock.nowMs = () => NOW + 60_000
    const reply = await chat()
    expect(reply.status).toBe(401)
    const message = 'The API key expired at 2026-11-24T12:01:00Z.'
    expect(await reply.json()).toMatchObject({ error: { message, code: 'invalid_api_key' } })
    expect(app.log.at(-1)).toMatchObject({ code: 'auth.invalid' })
  })

  it('that is revoked while its request is on the way makes no answer', async () => {
    const { app, id, chat } = await appWith({})
    const { reserve } = app.keys.accountOf(id)
    const ended = app.keys.accountOf(id)
    app.keys.accountOf = () => ({ ...ended, reserve: async (ask) => ended.revoke().then(() => reserve(ask)) })
    const reply = await chat()
    expect(reply.status).toBe(401)
    expect(app.worker.admitted).toHaveLength(0)
  })

  it('serves what its scopes are for', async () => {
    const { app, key } = await appWith({}, { scopes: ['models'] })
    expect((await app.request('/v1/models', bearer(key))).status).toBe(200)
    const reply = await app.chat(hello, bearer(key))
    expect(reply.status).toBe(403)
    expect(await reply.json()).toEqual({
      error: {
        message: 'Expected a key with the scope "chat", found one with models.',
        type: 'invalid_request_error',
        param: null,
        code: 'auth.forbidden',
      },
    })
  })

  it('is not served when its limits cannot be counted', async () => {
    const { app, chat } = await appWith({})
    app.keys.isDown = true
    const reply = await chat()
    expect(reply.status).toBe(503)
    expect(await reply.json()).toMatchObject({ error: { code: 'ledger.unavailable' } })
    expect(reply.headers.get('retry-after')).toBe('1')
    expect(app.worker.admitted).toHaveLength(0)
  })

  it('is logged when what it used is lost, and its answer is given', async () => {
    const { app, id, chat } = await appWith({})
    const reply = await chat({ stream: true })
    app.keys.isDown = true
    expect(await reply.text()).toContain('[DONE]')
    await vi.waitFor(() => expect(app.log.at(-1)).toMatchObject({ event: 'ledger.unsettled' }))
    app.keys.isDown = false
    expect((await usage(app, id)).open_requests).toBe(1)
  })

  it('is checked in an open app, too; any other text passes there as no key', async () => {
    const app = await createKeyedApp({ config: { isOpen: true } })
    const { key } = await app.createKey({ scopes: ['models'] })
    const statuses: number[] = []
    for (const sent of [key, `${key.slice(0, -1)}x`, 'unused', '']) {
      statuses.push((await app.chat(hello, bearer(sent))).status)
    }
    expect(statuses).toEqual([403, 401, 200, 200])
    expect(app.worker.admitted.map(({ parameters }) => parameters.tenant)).toEqual(['open', 'open'])
  })
})

describe('tenants', () => {
  it('are owners: keys of one share it, and it tells neither owner nor key', async () => {
    const app = await createKeyedApp({ config: { apiKeys: ['acme'] } })
    const keys = await Promise.all(['acme', 'acme', 'other'].map((owner) => app.createKey({ owner })))
    for (const key of [...keys.map((made) => made.key), 'acme']) await app.chat(hello, bearer(key))
    const tenants = app.worker.admitted.map(({ parameters }) => parameters.tenant ?? '')
    expect(tenants[1]).toBe(tenants[0])
    expect(new Set(tenants).size).toBe(3)
    for (const tenant of tenants) expect(tenant).toMatch(/^[0-9a-f]{32}$/)
  })

  it('cannot be told by who lacks the pepper: another deployment has other names', async () => {
    const apps = await Promise.all(
      ['p', 'q'].map((letter) => createKeyedApp({ config: { keyPepper: letter.repeat(32) } })),
    )
    const tenants = await Promise.all(
      apps.map(async (app) => {
        await app.chat(hello, bearer((await app.createKey()).key))
        return app.worker.admitted[0]?.parameters.tenant
      }),
    )
    expect(tenants[0]).not.toBe(tenants[1])
  })
})
