import { describe, expect, it, vi } from 'vitest'
import {
  countStatuses,
  createKey,
  describeKey,
  askForModels as models,
  PATIENCE,
  SHORT,
  withKey,
} from '../support/key-admin.ts'
import type { Stack } from '../support/stack.ts'

/** Limits of keys, in the Durable Objects of a real runtime. */
export function keyLimitsSuite(stack: () => Stack): void {
  describe('limits of a key', () => {
    it('let exactly as many of 50 requests at a time through as are allowed, also after a restart', async () => {
      const { key, id } = await createKey(stack(), { limits: { requests_per_minute: 17 } })
      const replies = await Promise.all(Array.from({ length: 50 }, () => models(stack(), key)))
      expect(countStatuses(replies)).toEqual({ 200: 17, 429: 33 })
      for (const { headers } of replies) expect(headers.get('x-ratelimit-limit-requests')).toBe('17')
      const refused = replies.find(({ status }) => status === 429)
      expect(Number(refused?.headers.get('retry-after-ms'))).toBeGreaterThan(0)
      await stack().restartEdge()
      expect((await describeKey(stack(), id)).last_used_at).not.toBeNull()
      expect((await models(stack(), key)).headers.get('x-ratelimit-limit-requests')).toBe('17')
    })

    it('set exactly as many tokens aside as are there, for answers at a time', async () => {
      const probe = await createKey(stack(), {})
      const { usage } = (await (await stack().chat(SHORT, withKey(probe.key))).json()) as {
        usage: { total_tokens: number }
      }
      const { key, id } = await createKey(stack(), { limits: { tokens_per_minute: 3 * usage.total_tokens } })
      const replies = await Promise.all(Array.from({ length: 8 }, () => stack().chat(SHORT, withKey(key))))
      expect(countStatuses(replies)).toEqual({ 200: 3, 429: 5 })
      await vi.waitFor(async () => {
        expect((await describeKey(stack(), id)).usage).toMatchObject({
          tokens_today: 3 * usage.total_tokens,
          open_requests: 0,
        })
      }, PATIENCE)
    })

    it('count what was made of an answer whose client has left', async () => {
      const { key, id } = await createKey(stack(), { limits: { tokens_per_minute: 100_000 } })
      const client = new AbortController()
      const long = { ...SHORT, max_tokens: 4000, stream: true }
      const reply = await stack().chat(long, { ...withKey(key), signal: client.signal })
      const reader = reply.body?.getReader()
      for (let count = 0; count < 5; count++) await reader?.read()
      expect((await describeKey(stack(), id)).usage.tokens_today).toBeGreaterThan(4000)
      client.abort()
      await vi.waitFor(async () => {
        const { usage } = await describeKey(stack(), id)
        expect(usage.open_requests).toBe(0)
        expect(usage.tokens_today).toBeLessThan(4000)
      }, PATIENCE)
    })
  })
}
