import { AppError } from '@loupe/shared/errors'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import type { EdgeEnv } from '../edge-env.ts'
import { authenticate } from './authenticate.ts'

/** The code of the refusal, or the tenant. */
async function ask(authorization: string | undefined, apiKeys: readonly string[] = ['sk-one', 'sk-two']) {
  const app = new Hono<EdgeEnv>().use(authenticate({ apiKeys, isOpen: false })).get('/', (c) => c.text(c.var.tenant))
  app.onError((error, c) => c.text(AppError.from(error).code))
  const reply = await app.request('/', authorization === undefined ? {} : { headers: { authorization } })
  return reply.text()
}

describe('authenticate', () => {
  it('names a missing key', async () => {
    expect(await ask(undefined)).toBe('auth.missing')
  })

  it.each(['Bearer sk-on', 'Bearer sk-one2', 'Bearer', 'Bearer ', 'Basic sk-one', 'sk-one', 'Bearer sk-one sk-two'])(
    'refuses %j',
    async (header) => {
      expect(await ask(header)).toBe('auth.invalid')
    },
  )

  it('refuses every key when none is configured', async () => {
    expect(await ask('Bearer sk-one', [])).toBe('auth.invalid')
  })

  it.each(['Bearer sk-two', 'bearer sk-two', 'BEARER   sk-two '])('takes %j', async (header) => {
    expect(await ask(header)).toMatch(/^[0-9a-f]{32}$/)
  })

  it('takes a key that is configured twice', async () => {
    expect(await ask('Bearer sk-one', ['sk-one', 'sk-one'])).toMatch(/^[0-9a-f]{32}$/)
  })
})
