/** A reply that can be given again. */
export interface KeptReply {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array
}

/** What is known of the requests with one Idempotency-Key of one tenant. */
export interface ReplyEntry {
  /** Of the request, so that the key is not used for another one. */
  readonly digest: string
  /** Who answers it, or has answered it. */
  readonly attempt: string
  /** When nobody believes any more that it is being answered, unless it is renewed; undefined once it was answered. */
  readonly leaseUntilMs: number | undefined
  /** Undefined while it is being answered, and when it was too long to be kept. */
  readonly reply: KeptReply | undefined
  readonly expiresMs: number
}

/** A request that may be a repetition. */
export interface ReplyAsk {
  readonly digest: string
  /** Made up for this request. */
  readonly attempt: string
}

/** What to do about a request. */
export type Claim =
  | { readonly outcome: 'yours' | 'running' | 'mismatch' }
  | { readonly outcome: 'answered'; readonly reply: KeptReply | undefined }

/** How long a reply is kept, as Stripe and the clients made for it have it. */
const KEPT_MS = 86_400_000
/** Three times as long as it takes to be renewed. An isolate that died lets go of its requests after so long. */
const LEASE_MS = 45_000
/** How often a request that is being answered is renewed. */
export const RENEW_MS = 15_000

/**
 * Decides about a request: a first one is the caller's to answer, and so is one whose answering broke off.
 *
 * @returns the entry to be kept from now on when the request is the caller's
 */
export function claimReply(
  entry: ReplyEntry | undefined,
  { digest, attempt }: ReplyAsk,
  nowMs: number,
): { readonly claim: Claim; readonly entry?: ReplyEntry } {
  const isLive = entry !== undefined && nowMs < entry.expiresMs
  if (isLive && entry.digest !== digest) return { claim: { outcome: 'mismatch' } }
  if (isLive && entry.leaseUntilMs === undefined) return { claim: { outcome: 'answered', reply: entry.reply } }
  if (isLive && entry.leaseUntilMs !== undefined && nowMs < entry.leaseUntilMs) return { claim: { outcome: 'running' } }
  const fresh = { digest, attempt, leaseUntilMs: nowMs + LEASE_MS, reply: undefined, expiresMs: nowMs + KEPT_MS }
  return { claim: { outcome: 'yours' }, entry: fresh }
}

/** The entry of a request that is still being answered. @returns undefined when it is another's by now */
export function renewReply(entry: ReplyEntry | undefined, attempt: string, nowMs: number): ReplyEntry | undefined {
  if (!isHeldBy(entry, attempt)) return undefined
  return { ...entry, leaseUntilMs: nowMs + LEASE_MS }
}

/**
 * The entry of a request that was answered.
 *
 * @param reply - undefined for one that is too long to be kept
 * @returns undefined when it is another's by now
 */
export function finishReply(
  entry: ReplyEntry | undefined,
  attempt: string,
  reply: KeptReply | undefined,
): ReplyEntry | undefined {
  return isHeldBy(entry, attempt) ? { ...entry, leaseUntilMs: undefined, reply } : undefined
}

/** Whether this attempt is the one that answers. */
export function isHeldBy(entry: ReplyEntry | undefined, attempt: string): entry is ReplyEntry {
  return entry?.attempt === attempt && entry.leaseUntilMs !== undefined
}
