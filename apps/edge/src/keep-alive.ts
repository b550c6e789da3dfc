import type { Context } from 'hono'

/** Keeps the isolate for work that goes on after the reply. */
export type KeepAlive = (work: Promise<unknown>) => void

/** What keeps the isolate of a request. Outside the Workers runtime, in tests, nothing would end it. */
export function keepAliveOf(c: Context): KeepAlive {
  try {
    const context = c.executionCtx
    return (work) => context.waitUntil(work)
  } catch {
    return () => undefined
  }
}
