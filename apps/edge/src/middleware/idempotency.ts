import { AppError } from '@loupe/shared/errors'
import { toHex } from '@loupe/shared/wire'
import type { Context, Next } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { EdgeEnv } from '../edge-env.ts'
import { keepAliveOf } from '../keep-alive.ts'
import { concatenate } from '../read-bounded.ts'
import { readBody } from '../read-json.ts'
import { keepReply, renewing } from '../replies/keep-reply.ts'
import type { KeptReply } from '../replies/reply-entry.ts'
import type { ReplyShelf, ReplySlot } from '../replies/reply-shelf.ts'
import { faultFields } from './observe.ts'

/** Where replies are kept, and how much of one. */
export interface IdempotencyOptions {
  readonly replies: ReplyShelf
  /** Longest body of a request that may come again. */
  readonly maxRequestBytes: number
  /** Longest reply that is kept. */
  readonly maxReplyBytes: number
}

/** How a replayed reply is told from a first one. */
export const REPLAYED_HEADER = 'idempotency-replayed'

/** Printable, without spaces: as it stands in the header. */
const KEY = /^[\x21-\x7e]{1,255}$/

/**
 * Answers a POST with an `Idempotency-Key` once: whoever sends it again gets the reply that was given. Such an answer is
 * made to its end although its client has left, so that who comes back does not pay for it twice. A reply that failed is
 * not kept.
 *
 * @throws AppError `idempotency.mismatch`, `idempotency.running`, `idempotency.not_kept`, `request.invalid`,
 * `request.too_large`, `ledger.unavailable`
 */
export function idempotency(options: IdempotencyOptions) {
  return createMiddleware<EdgeEnv>(async (c, next) => {
    const key = c.req.method === 'POST' ? c.req.header('idempotency-key') : undefined
    if (key === undefined) return next()
    if (!KEY.test(key)) {
      const detail = 'Expected 1 to 255 printable characters without spaces as the Idempotency-Key.'
      throw new AppError('request.invalid', detail, { param: 'Idempotency-Key' })
    }
    const body = await readBody(c.req.raw, options.maxRequestBytes)
    const attempt = crypto.randomUUID()
    const slot = options.replies.slotOf(`${c.var.tenant}/${await sha256(key)}`)
    const claim = await slot.claim({ attempt, digest: await requestDigest(c, body) })
    switch (claim.outcome) {
      case 'yours':
        return answerOnce(c, { slot, attempt, body, maxReplyBytes: options.maxReplyBytes, next })
      case 'running':
        throw new AppError('idempotency.running')
      case 'mismatch':
        throw new AppError('idempotency.mismatch')
      case 'answered':
        return replay(claim.reply)
    }
  })
}

interface Once {
  readonly slot: ReplySlot
  readonly attempt: string
  readonly body: Uint8Array
  readonly maxReplyBytes: number
  readonly next: Next
}

async function answerOnce(c: Context<EdgeEnv>, { slot, attempt, body, maxReplyBytes, next }: Once): Promise<void> {
  const { url, method, headers } = c.req.raw
  // Another request with the same content: the signal of this one is not aborted when the client leaves.
  c.req.raw = new Request(url, { method, headers, body: new Uint8Array(body) })
  const { promise: isOver, resolve: end } = Promise.withResolvers<void>()
  keepAliveOf(c)(isOver) // before anything else: a client that leaves ends its request
  const { services, requestId } = c.var
  const onLost = (error: unknown) => {
    services.log({ request_id: requestId, event: 'idempotency.unkept', ...faultFields(AppError.from(error)) })
  }
  try {
    await renewing(slot, attempt, next)
    if (!c.res.ok) {
      await slot.release(attempt).catch(onLost)
      return end()
    }
  } catch (error) {
    end()
    throw error
  }
  const [toClient, toShelf] = c.res.body?.tee() ?? [null, null]
  const kept = new Response(toShelf, c.res)
  c.res = new Response(toClient, c.res)
  const isWhole = () => !c.var.ledger.hasBroken
  const keeping = renewing(slot, attempt, () => keepReply(kept, { slot, attempt, maxBytes: maxReplyBytes, isWhole }))
  void keeping.catch(onLost).then(end)
}

function replay(reply: KeptReply | undefined): Response {
  if (reply === undefined) throw new AppError('idempotency.not_kept')
  const headers = new Headers({ [REPLAYED_HEADER]: 'true' })
  for (const [name, value] of reply.headers) headers.set(name, value)
  return new Response(new Uint8Array(reply.body), { status: reply.status, headers })
}

function requestDigest({ req }: Context, body: Uint8Array): Promise<string> {
  const head = new TextEncoder().encode(`${req.method} ${req.path}${new URL(req.url).search}\n`)
  return sha256(concatenate([head, body]))
}

async function sha256(data: string | Uint8Array): Promise<string> {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))))
}
