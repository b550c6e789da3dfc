import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { runLine } from '../testing/cli-fixture.ts'

const ADMIN_KEY = 'the-admin-key'
const SECRET = `sk-loupe-${'a'.repeat(16)}-${'b'.repeat(52)}`

interface Seen {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly authorization: string | undefined
  readonly body: unknown
}

const seen: Seen[] = []
/** What the server answers, one after the other. */
let replies: (readonly [status: number, body: unknown])[] = []
let url = ''

const server = createServer(async (request, response) => {
  const { method, url: path, headers } = request
  const body = await textOf(request)
  seen.push({ method, path, authorization: headers.authorization, body: body === '' ? undefined : JSON.parse(body) })
  const [status, reply] = replies.shift() ?? [500, '']
  response.writeHead(status).end(typeof reply === 'string' ? reply : JSON.stringify(reply))
})

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of request) text += piece
  return text
}

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a server that listens on TCP has one
})
afterAll(() => server.close())
beforeEach(() => {
  seen.length = 0
  process.env['LOUPE_ADMIN_KEY'] = ADMIN_KEY
})
afterEach(() => {
  delete process.env['LOUPE_ADMIN_KEY']
})

const card = (digit: string, fields = {}) => ({
  object: 'api_key',
  id: digit.repeat(16),
  name: `key ${digit}`,
  owner: 'acme',
  scopes: ['chat'],
  limits: {},
  created_at: Date.UTC(2026, 10, 24) / 1000,
  expires_at: null,
  revoked_at: null,
  last_used_at: null,
  ...fields,
})
const usage = {
  requests_this_minute: 0,
  tokens_this_minute: 0,
  tokens_today: 0,
  tokens_this_month: 0,
  open_requests: 0,
}
const keys = (...argv: string[]) => runLine(['keys', ...argv, '--url', `${url}/v1/`])

describe('loupe keys create', () => {
  it('writes the key alone to standard output, and what it is beside it', async () => {
    replies = [[201, { ...card('a'), key: SECRET }]]
    expect(await keys('create', '--name', 'n', '--owner', 'acme')).toEqual({
      status: 0,
      out: `${SECRET}\n`,
      err: `made ${'a'.repeat(16)} for acme: chat. This is its only showing.\n`,
    })
    expect(seen).toEqual([
      {
        method: 'POST',
        path: '/admin/keys',
        authorization: `Bearer ${ADMIN_KEY}`,
        body: { name: 'n', owner: 'acme', limits: {} },
      },
    ])
  })

  it('asks for scopes, an end and limits', async () => {
    replies = [[201, { ...card('a'), key: SECRET }]]
    const limits = ['--requests-per-minute', '5', '--tokens-per-minute', '6', '--tokens-per-day', '7']
    const more = ['--tokens-per-month', '8', '--concurrent', '9', '--scopes', 'chat, models', '--expires-days', '2']
    const { out } = await keys('create', '--name', 'n', '--owner', 'o', ...limits, ...more, '--json')
    expect(JSON.parse(out)).toEqual({ ...card('a'), key: SECRET })
    expect(seen[0]?.body).toEqual({
      name: 'n',
      owner: 'o',
      scopes: ['chat', 'models'],
      expires_at: expect.any(Number),
      limits: {
        requests_per_minute: 5,
        tokens_per_minute: 6,
        tokens_per_day: 7,
        tokens_per_month: 8,
        concurrent_requests: 9,
      },
    })
  })

  it.each([
    [['create', '--owner', 'o'], '--name is required.'],
    [['create', '--name', 'n'], '--owner is required.'],
    [['create', 'x', '--name', 'n', '--owner', 'o'], 'Expected create, list, or revoke'],
    [['create', '--name', 'n', '--owner', 'o', '--concurrent', '0'], '--concurrent takes a whole number from 1'],
    [['revoke'], 'Expected create, list, or revoke'],
    [['revoke', 'a', 'b'], 'Expected create, list, or revoke'],
    [[], 'Expected create, list, or revoke'],
    [['show'], 'Expected create, list, or revoke'],
  ])('refuses %j before it asks', async (argv, message) => {
    const { status, err } = await keys(...argv)
    expect(status).toBe(2)
    expect(err).toContain(message)
    expect(seen).toEqual([])
  })

  it('needs the admin key', async () => {
    process.env['LOUPE_ADMIN_KEY'] = ''
    const { status, err } = await keys('list')
    expect(status).toBe(2)
    expect(err).toContain('LOUPE_ADMIN_KEY')
  })
})

describe('loupe keys list', () => {
  it('shows all pages, the newest first, and what each key is worth', async () => {
    const past = Date.UTC(2026, 0, 2) / 1000
    const page = (data: { id: string }[], has_more: boolean) => {
      return { object: 'list', data, first_id: data.at(0)?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more }
    }
    replies = [
      [200, page([card('c', { last_used_at: past }), card('b', { revoked_at: past, expires_at: past })], true)],
      [200, page([card('a', { expires_at: past })], false)],
    ]
    const { out } = await keys('list', '--owner', 'acme')
    expect(out).toBe(`id                made        last used   state    owner, name
cccccccccccccccc  2026-11-24  2026-01-02  valid    acme, key c
bbbbbbbbbbbbbbbb  2026-11-24  never       revoked  acme, key b
aaaaaaaaaaaaaaaa  2026-11-24  never       expired  acme, key a
`)
    expect(seen.map(({ path }) => path)).toEqual([
      '/admin/keys?limit=100&owner=acme',
      `/admin/keys?limit=100&owner=acme&after=${'b'.repeat(16)}`,
    ])
  })

  it('writes one JSON line a key for scripts', async () => {
    replies = [[200, { object: 'list', data: [card('a')], first_id: 'a', last_id: 'a', has_more: false }]]
    expect(JSON.parse((await keys('list', '--json')).out)).toEqual(card('a'))
  })
})

describe('loupe keys revoke', () => {
  it('names the key that is gone', async () => {
    replies = [[200, { ...card('a'), revoked_at: 5, usage }]]
    expect((await keys('revoke', 'a'.repeat(16))).out).toBe(`revoked ${'a'.repeat(16)}\n`)
    expect(seen[0]).toMatchObject({ method: 'DELETE', path: `/admin/keys/${'a'.repeat(16)}` })
  })

  it.each([
    [404, { error: { message: 'No.', type: 'x', param: null, code: 'key.unknown' } }, 'No. [key.unknown]'],
    [403, { error: { message: 'No.', type: 'x', param: null, code: 'auth.forbidden' } }, '[auth.forbidden]'],
    [200, '<html>', 'an unreadable reply about keys. [worker.lost]'],
    [502, '<html>', 'status 502'],
  ])('reports a reply %i %j', async (status, body, message) => {
    replies = [[status, body]]
    const run = await keys('revoke', 'a')
    expect(run.status).toBe(1)
    expect(run.err).toContain(message)
    expect(`${run.out}${run.err}`).not.toContain(ADMIN_KEY)
  })
})
