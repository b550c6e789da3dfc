import type { Claim, KeptReply, ReplyAsk } from './reply-entry.ts'

/** The requests with one Idempotency-Key of one tenant, wherever they are kept. */
export interface ReplySlot {
  claim(ask: ReplyAsk): Promise<Claim>
  /** Tells that the request is still being answered. */
  renew(attempt: string): Promise<void>
  /** Keeps the reply; undefined for one that is too long. */
  finish(attempt: string, reply: KeptReply | undefined): Promise<void>
  /** Forgets a request that failed, so that it can be made again. */
  release(attempt: string): Promise<void>
}

/** Replies that are kept for requests that come again. Every method throws `ledger.unavailable` when they are not there. */
export interface ReplyShelf {
  /** @param name - of tenant and key; it tells neither */
  slotOf(name: string): ReplySlot
}
