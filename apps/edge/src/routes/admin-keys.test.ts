import { API_SCOPES, apiKeyDetails, apiKeyList, createdApiKey } from '@loupe/shared/schema'
import { describe, expect, it } from 'vitest'
import { ADMIN_KEY, bearer, createKeyedApp } from '../testing/key-admin.ts'

const NOW = Date.UTC(2026, 10, 24, 12, 34, 56)
const NOW_S = NOW / 1000

async function appAt(nowMs = NOW) {
  const app = await createKeyedApp()
  app.clock.nowMs = () => nowMs
  return app
}

describe('POST /admin/keys', () => {
  it('makes a key and tells it, this once', async () => {
    const app = await appAt()
    const limits = { requests_per_minute: 60, tokens_per_day: 1_000_000 }
    const body = { name: ' build server ', owner: 'acme', scopes: ['chat'], expires_at: NOW_S + 60, limits }
    const reply = await app.admin('/admin/keys', { method: 'POST', body: JSON.stringify(body) })
    expect(reply.status).toBe(201)
    expect(reply.headers.get('cache-control')).toBe('no-store')
    const created = createdApiKey.parse(await reply.json())
    expect(created).toMatchObject({
      ...body,
      name: 'build server',
      object: 'api_key',
      created_at: NOW_S,
      revoked_at: null,
      last_used_at: null,
    })
    const shown = JSON.stringify([await app.describeKey(created.id), await (await app.admin('/admin/keys')).json()])
    expect(shown).not.toContain(created.key.slice(-52))
    expect(shown).not.toContain('digest')
  })

  it('gives all scopes but admin, no limits and no end, unless it is told otherwise', async () => {
    const created = await (await appAt()).createKey()
    expect(created.scopes).toEqual(API_SCOPES.filter((scope) => scope !== 'admin'))
    expect(created).toMatchObject({ limits: {}, expires_at: null })
  })

  it.each([
    [{ name: '' }, 'name'],
    [{ owner: 'two words' }, 'owner'],
    [{ scopes: [] }, 'scopes'],
    [{ scopes: ['chat', 'chat'] }, 'scopes'],
    [{ scopes: ['root'] }, 'scopes[0]'],
    [{ expires_at: NOW_S }, 'expires_at'],
    [{ limits: { requests_per_minute: 0 } }, 'limits.requests_per_minute'],
    [{ limits: { tokens_per_day: 1.5 } }, 'limits.tokens_per_day'],
    [{ limits: { concurrent_requests: 1001 } }, 'limits.concurrent_requests'],
  ])('refuses %j at its place', async (fields, param) => {
    const app = await appAt()
    const body = JSON.stringify({ name: 'a', owner: 'b', ...fields })
    const reply = await app.admin('/admin/keys', { method: 'POST', body })
    expect(reply.status).toBe(400)
    expect(await reply.json()).toMatchObject({ error: { code: 'request.invalid', param } })
  })

  it.each([
    ['a limit that does not exist', { limits: { request_per_minute: 5 } }],
    ['a field that does not exist', { owners: 'acme' }],
  ])('refuses %s: a typing error would be a key without a limit', async (_, fields) => {
    const app = await appAt()
    const body = JSON.stringify({ name: 'a', owner: 'b', ...fields })
    expect((await app.admin('/admin/keys', { method: 'POST', body })).status).toBe(400)
  })

  it.each(['', 'null', '[]', '{', `{"name":"${'a'.repeat(20_000)}"}`])('refuses the body %#', async (body) => {
    const reply = await (await appAt()).admin('/admin/keys', { method: 'POST', body })
    expect([400, 413]).toContain(reply.status)
  })
})

describe('GET /admin/keys', () => {
  it('gives the newest first, page by page, of all owners or of one', async () => {
    const app = await appAt()
    const owners = ['acme', 'other', 'acme', 'acme', 'other']
    const ids: string[] = []
    for (const [index, owner] of owners.entries()) {
      app.clock.nowMs = () => NOW + index
      ids.unshift((await app.createKey({ owner })).id)
    }
    const pages: string[][] = []
    for (let after = ''; ; ) {
      const page = apiKeyList.parse(await (await app.admin(`/admin/keys?limit=2${after}`)).json())
      pages.push(page.data.map(({ id }) => id))
      expect(page).toMatchObject({ object: 'list', first_id: page.data[0]?.id, last_id: page.data.at(-1)?.id })
      if (!page.has_more) break
      after = `&after=${page.last_id}`
    }
    expect(pages).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)])
    const ofOne = apiKeyList.parse(await (await app.admin('/admin/keys?owner=other')).json())
    expect(ofOne.data.map(({ id }) => id)).toEqual([ids[0], ids[3]])
    expect(ofOne.has_more).toBe(false)
  })

  it('is an empty page when there is none, or none behind an id', async () => {
    const app = await appAt()
    const empty = { object: 'list', data: [], first_id: null, last_id: null, has_more: false }
    expect(await (await app.admin('/admin/keys')).json()).toEqual(empty)
    await app.createKey()
    expect(await (await app.admin('/admin/keys?after=nobody')).json()).toEqual(empty)
  })

  it.each(['limit=0', 'limit=101', 'limit=x', 'owner=two+words', 'page=2'])('refuses ?%s', async (query) => {
    const reply = await (await appAt()).admin(`/admin/keys?${query}`)
    expect(reply.status).toBe(400)
    expect(await reply.json()).toMatchObject({ error: { code: 'request.invalid' } })
  })
})

describe('GET and DELETE /admin/keys/{id}', () => {
  it('show what was used, and when to the hour', async () => {
    const app = await appAt()
    const { id, key } = await app.createKey()
    await app.chat({ messages: [{ role: 'user', content: 'hello' }] }, bearer(key)).then((reply) => reply.text())
    const details = apiKeyDetails.parse(await (await app.admin(`/admin/keys/${id}`)).json())
    expect(details.last_used_at).toBe(Date.UTC(2026, 10, 24, 12) / 1000)
    expect(details.usage).toMatchObject({ requests_this_minute: 1, open_requests: 0 })
    expect(details.usage.tokens_today).toBeGreaterThan(0)
    const listed = apiKeyList.parse(await (await app.admin('/admin/keys')).json())
    expect(listed.data[0]?.last_used_at).toBe(details.last_used_at)
  })

  it('revoke for good, from the next request on, and the list says so', async () => {
    const app = await appAt()
    const { id, key } = await app.createKey()
    expect((await app.request('/v1/models', bearer(key))).status).toBe(200)
    for (const afterMs of [0, 5000]) {
      app.clock.nowMs = () => NOW + afterMs
      const reply = await app.admin(`/admin/keys/${id}`, { method: 'DELETE' })
      expect(reply.status).toBe(200)
      expect(await reply.json()).toMatchObject({ id, revoked_at: NOW_S })
    }
    const refused = await app.request('/v1/models', bearer(key))
    expect(refused.status).toBe(401)
    expect(await refused.json()).toMatchObject({
      error: { code: 'invalid_api_key', message: 'The API key was revoked at 2026-11-24T12:34:56Z.' },
    })
    const listed = apiKeyList.parse(await (await app.admin('/admin/keys')).json())
    expect(listed.data[0]?.revoked_at).toBe(NOW_S)
  })

  it.each(['0123456789abcdef', 'nobody', '..%2fkeys', 'ABCDEF0123456789'])('do not know %s', async (id) => {
    const app = await appAt()
    for (const method of ['GET', 'DELETE']) {
      const reply = await app.admin(`/admin/keys/${id}`, { method })
      expect(reply.status).toBe(404)
      const code = expect.stringMatching(/^(key|route)\.unknown$/)
      expect(await reply.json()).toMatchObject({ error: { code } })
    }
    expect(app.log.at(-1)).not.toMatchObject({ code: 'internal' })
  })

  it('say that there is no such key', async () => {
    const reply = await (await appAt()).admin('/admin/keys/0123456789abcdef')
    expect(await reply.json()).toMatchObject({ error: { code: 'key.unknown' } })
  })

  it('take no other methods', async () => {
    const app = await appAt()
    for (const [path, taken] of [
      ['/admin/keys', 'GET, HEAD, POST'],
      ['/admin/keys/0123456789abcdef', 'GET, HEAD, DELETE'],
    ] as const) {
      const reply = await app.admin(path, { method: 'PUT' })
      expect(reply.status).toBe(405)
      expect(reply.headers.get('allow')).toBe(taken)
      expect(await reply.json()).toMatchObject({ error: { code: 'route.method' } })
    }
  })
})

describe('the admin routes', () => {
  it('take the admin key and managed keys with the scope admin, nobody else', async () => {
    const app = await createKeyedApp({ config: { apiKeys: ['sk-static'] } })
    const { key: admin } = await app.createKey({ scopes: ['admin'] })
    const { key: plain } = await app.createKey()
    const statuses: number[] = []
    for (const key of [ADMIN_KEY, admin, plain, 'sk-static', ADMIN_KEY.slice(1), `${ADMIN_KEY}x`]) {
      statuses.push((await app.request('/admin/keys', bearer(key))).status)
    }
    expect(statuses).toEqual([200, 200, 403, 401, 401, 401])
  })

  it('are closed where no key is needed otherwise, and to everybody when no admin key is set', async () => {
    const open = await createKeyedApp({ config: { isOpen: true } })
    expect((await open.request('/admin/keys')).status).toBe(401)
    expect(await (await open.request('/admin/keys')).json()).toMatchObject({ error: { code: 'invalid_api_key' } })
    const without = await createKeyedApp({ config: { adminKey: undefined } })
    expect((await without.admin('/admin/keys')).status).toBe(401)
    expect((await without.request('/admin/keys', bearer(''))).status).toBe(401)
  })

  it('keep to the limits of a managed key', async () => {
    const app = await createKeyedApp()
    const { key } = await app.createKey({ scopes: ['admin'], limits: { requests_per_minute: 1 } })
    expect((await app.request('/admin/keys', bearer(key))).status).toBe(200)
    expect((await app.request('/admin/keys', bearer(key))).status).toBe(429)
  })

  it('log who made and revoked what, and no key', async () => {
    const app = await createKeyedApp()
    const admin = await app.createKey({ scopes: ['admin'], owner: 'ops' })
    const made = await app.createKey({ owner: 'acme', scopes: ['chat', 'models'] })
    await app.request(`/admin/keys/${made.id}`, { method: 'DELETE', ...bearer(admin.key) })
    const events = app.log.filter(({ event }) => event !== undefined)
    expect(events).toMatchObject([
      { event: 'key.created', by: 'ADMIN_KEY', key_id: admin.id, owner: 'ops' },
      { event: 'key.created', by: 'ADMIN_KEY', key_id: made.id, owner: 'acme', scopes: 'chat,models' },
      { event: 'key.revoked', by: admin.id, key_id: made.id },
    ])
    for (const secret of [admin.key, made.key, ADMIN_KEY].map((key) => key.slice(-20))) {
      expect(JSON.stringify(app.log)).not.toContain(secret)
    }
  })

  it('are 503 when what keeps the keys does not answer, and make no key then', async () => {
    const app = await createKeyedApp()
    app.keys.isDown = true
    const body = JSON.stringify({ name: 'a', owner: 'b' })
    const reply = await app.admin('/admin/keys', { method: 'POST', body })
    expect(reply.status).toBe(503)
    expect(await reply.json()).toMatchObject({ error: { code: 'ledger.unavailable' } })
    app.keys.isDown = false
    expect(await (await app.admin('/admin/keys')).json()).toMatchObject({ data: [] })
  })
})
