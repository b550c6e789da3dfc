import { expect, vi } from 'vitest'
import { dataUri, examplePath } from '../e2e/support/pictures.ts'
import type { Stack } from '../e2e/support/stack.ts'

/** A picture with a known answer: three blue stars. */
export const STARS = () => dataUri(examplePath('three-blue-stars.png'))
/** What is asked of it. */
export const HOW_MANY = 'How many shapes are there?'
/** What the embedded model says then. */
export const THREE = /^three\b/i

/** A worker that has no room, and one that is not ready. */
const REFUSALS = {
  429: { status: 429, body: JSON.stringify({ error: 'Too many requests are waiting.', code: 'queue.full' }) },
  503: { status: 503, body: JSON.stringify({ error: 'The model worker is not ready.', code: 'worker.unavailable' }) },
}

/** Lets the worker refuse the next answers. */
export function refuseNext(stack: Stack, ...statuses: readonly (keyof typeof REFUSALS)[]): void {
  stack.proxy.refusals.push(...statuses.map((status) => REFUSALS[status]))
}

/** How many answers the worker has admitted since then. */
export function watchAnswers(stack: Stack): () => number {
  const isAnswer = ({ path }: { readonly path: string }) => path.includes('/generate')
  const before = stack.proxy.calls.filter(isAnswer).length
  return () => stack.proxy.calls.filter(isAnswer).length - before
}

/** A fetch that tells the statuses of its replies. */
export function tellingFetch(): { readonly fetch: typeof fetch; readonly statuses: number[] } {
  const statuses: number[] = []
  return {
    statuses,
    fetch: async (...call) => {
      const reply = await fetch(...call)
      statuses.push(reply.status)
      return reply
    },
  }
}

/** The length of an answer that is left in its middle. */
export const LONG = 4000

/** Expects that an answer of {@link LONG} tokens which is left meanwhile is not made to its end. */
export async function expectStopped(stack: Stack, leave: () => Promise<void>): Promise<void> {
  const generated = () => stack.metric('vllm:generation_tokens_total')
  const before = await generated()
  await leave()
  await vi.waitFor(async () => expect(await stack.metric('vllm:num_requests_running')).toBe(0), { timeout: 20_000 })
  const made = (await generated()) - before
  expect(made).toBeGreaterThan(0)
  expect(made).toBeLessThan(LONG / 2)
}
