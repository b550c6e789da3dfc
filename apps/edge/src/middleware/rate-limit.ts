import { AppError } from '@loupe/shared/errors'
import { createMiddleware } from 'hono/factory'
import type { EdgeEnv } from '../edge-env.ts'
import { keepAliveOf } from '../keep-alive.ts'
import type { KeyHeadroom } from '../keys/key-book.ts'
import { RequestLedger } from '../keys/request-ledger.ts'
import { faultFields } from './observe.ts'

/** The headers of {@link rateLimit}, which a page of another origin may read. */
export const RATE_LIMIT_HEADERS = ['limit', 'remaining', 'reset'].flatMap((what) => [
  `x-ratelimit-${what}-requests`,
  `x-ratelimit-${what}-tokens`,
])

/**
 * Refuses a request above the rate of its key, gives the others a ledger for their answers, and tells on every reply what
 * is left of the limits that the key has. The request was counted when its key was checked.
 *
 * @throws AppError `rate.limited`
 */
export function rateLimit() {
  return createMiddleware<EdgeEnv>(async (c, next) => {
    const { key, headroom, waitMs } = c.var.caller
    const { services, requestId } = c.var
    const ledger = new RequestLedger({
      account: key?.account,
      headroom,
      keepAlive: keepAliveOf(c),
      onLost: (error) => services.log({ request_id: requestId, event: 'ledger.unsettled', ...faultFields(error) }),
    })
    c.set('ledger', ledger)
    c.set('services', { ...services, ledger })
    if (waitMs === 0) await next()
    for (const [name, value] of rateLimitHeaders(ledger.headroom)) c.header(name, value)
    if (waitMs === 0) return
    const detail = `The API key may make ${headroom.requests?.limit} requests in a minute.`
    throw new AppError('rate.limited', detail, { retryAfterMs: waitMs })
  })
}

function rateLimitHeaders({ requests, tokens }: KeyHeadroom): [string, string][] {
  return Object.entries({ requests, tokens }).flatMap(([name, headroom]): [string, string][] => {
    if (headroom === undefined) return []
    return [
      [`x-ratelimit-limit-${name}`, String(headroom.limit)],
      [`x-ratelimit-remaining-${name}`, String(headroom.remaining)],
      [`x-ratelimit-reset-${name}`, duration(headroom.resetMs)],
    ]
  })
}

/** As OpenAI writes it: `120ms`, `7.5s`, `1m0.5s`. */
function duration(ms: number): string {
  if (ms > 0 && ms < 1000) return `${ms}ms`
  const minutes = Math.floor(ms / 60_000)
  const seconds = (ms - minutes * 60_000) / 1000
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds}s`
}
