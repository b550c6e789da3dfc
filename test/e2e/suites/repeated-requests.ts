import { describe, expect, it, vi } from 'vitest'
import { createKey, describeKey, PATIENCE, SHORT, withKey } from '../support/key-admin.ts'
import type { Stack } from '../support/stack.ts'

/** Requests that come again, in the Durable Objects of a real runtime. */
export function repeatedRequestsSuite(stack: () => Stack): void {
  describe('a request with an Idempotency-Key', () => {
    const once = (key: string, idempotencyKey: string) => withKey(key, { 'idempotency-key': idempotencyKey })

    it('is answered once, streamed and not', async () => {
      const { key, id } = await createKey(stack(), {})
      for (const stream of [false, true]) {
        const init = once(key, `once-${stream}`)
        const first = await (await stack().chat({ ...SHORT, stream }, init)).text()
        await vi.waitFor(async () => {
          const again = await stack().chat({ ...SHORT, stream }, init)
          expect(again.headers.get('idempotency-replayed')).toBe('true')
          expect(await again.text()).toBe(first)
        }, PATIENCE)
        const other = await stack().chat({ ...SHORT, stream, seed: 5 }, init)
        expect(other.status).toBe(422)
      }
      const { usage } = (await (await stack().chat(SHORT, withKey(key))).json()) as { usage: { total_tokens: number } }
      await vi.waitFor(async () => {
        expect((await describeKey(stack(), id)).usage.tokens_today).toBe(3 * usage.total_tokens)
      }, PATIENCE)
    })

    it('is answered to its end when its client leaves, and the answer waits for it', async () => {
      const { key } = await createKey(stack(), {})
      const client = new AbortController()
      const init = once(key, 'left')
      const body = { ...SHORT, max_tokens: 60, stream: true }
      const first = await stack().chat(body, { ...init, signal: client.signal })
      await first.body?.getReader().read()
      client.abort()
      const generated = await stack().metric('vllm:request_success_total')
      await vi.waitFor(async () => {
        const again = await stack().chat(body, init)
        expect(again.headers.get('idempotency-replayed')).toBe('true')
        expect(await again.text()).toContain('[DONE]')
      }, PATIENCE)
      expect((await stack().metric('vllm:request_success_total')) - generated).toBeLessThanOrEqual(1)
    })
  })
}
