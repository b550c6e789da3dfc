import { AppError } from '@loupe/shared/errors'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import type { EdgeEnv } from '../edge-env.ts'
import { createKeyring } from '../keys/keyring.ts'
import { createMemoryKeyBook } from '../testing/memory-key-book.ts'
import { authenticate } from './authenticate.ts'

const keyring = createKeyring('a pepper')
const keys = createMemoryKeyBook(() => 0)

/** The code of the refusal, or the tenant. */
async function ask(headers: Record<string, string>, apiKeys: readonly string[] = ['sk-one', 'sk-two']) {
  const app = new Hono<EdgeEnv>()
    .use(authenticate({ apiKeys, isOpen: false, keyring, keys, insiders: new WeakMap() }))
    .get('/', (c) => c.text(c.var.tenant))
  app.onError((error, c) => c.text(AppError.from(error).code))
  return (await app.request('/', { headers })).text()
}

describe('authenticate', () => {
  it('names a missing key', async () => {
    expect(await ask({})).toBe('auth.missing')
    expect(await ask({ 'x-api-key': ' ' })).toBe('auth.missing')
  })

  it.each(['Bearer sk-on', 'Bearer sk-one2', 'Bearer', 'Bearer ', 'Basic sk-one', 'sk-one', 'Bearer sk-one sk-two'])(
    'refuses %j',
    async (authorization) => {
      expect(await ask({ authorization })).toBe('auth.invalid')
    },
  )

  it('refuses every key when none is configured', async () => {
    expect(await ask({ authorization: 'Bearer sk-one' }, [])).toBe('auth.invalid')
  })

  it.each(['Bearer sk-two', 'bearer sk-two', 'BEARER   sk-two '])('takes %j', async (authorization) => {
    expect(await ask({ authorization })).toMatch(/^[0-9a-f]{32}$/)
  })

  it('takes a key where Anthropic’s clients put it', async () => {
    expect(await ask({ 'x-api-key': 'sk-two' })).toBe(await ask({ authorization: 'Bearer sk-two' }))
    expect(await ask({ 'x-api-key': 'sk-three' })).toBe('auth.invalid')
  })

  it('takes a key that is configured twice', async () => {
    expect(await ask({ authorization: 'Bearer sk-one' }, ['sk-one', 'sk-one'])).toMatch(/^[0-9a-f]{32}$/)
  })
})
