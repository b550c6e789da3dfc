import { AppError } from '@loupe/shared/errors'
import { concatenate } from '../read-bounded.ts'
import { type KeptReply, RENEW_MS } from './reply-entry.ts'
import type { ReplySlot } from './reply-shelf.ts'

/** Whose reply it is and how much of it is kept. */
export interface KeepReplyOptions {
  readonly slot: ReplySlot
  readonly attempt: string
  readonly maxBytes: number
  /** Asked when the body has ended: whether it is what a whole answer looks like. */
  readonly isWhole: () => boolean
}

/** What a reply says besides its body. What says when it was sent, or to whom, is not said again. */
const KEPT_HEADERS = ['content-type', 'cache-control', 'x-accel-buffering', 'x-loupe-warning']

/** Tells again and again that a request is being answered, until the work is done. */
export async function renewing<T>(slot: ReplySlot, attempt: string, work: () => Promise<T>): Promise<T> {
  // A renewal that is lost is made up for by the next.
  const timer = setInterval(() => void slot.renew(attempt).catch(() => undefined), RENEW_MS)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}

/**
 * Reads a reply to its end, whether or not anybody else reads it, and keeps it. One that failed is forgotten, so that the
 * request can be made again; of one that is too long is kept that it was given.
 */
export async function keepReply(reply: Response, options: KeepReplyOptions): Promise<void> {
  const { slot, attempt, maxBytes, isWhole } = options
  const body = await readUpTo(reply.body, maxBytes).catch((error: unknown) => AppError.from(error))
  if (AppError.isInstance(body) || !isWhole()) return slot.release(attempt)
  await slot.finish(attempt, body === undefined ? undefined : keptReply(reply, body))
}

function keptReply({ status, headers }: Response, body: Uint8Array): KeptReply {
  const kept = KEPT_HEADERS.flatMap((name): [string, string][] => {
    const value = headers.get(name)
    return value === null ? [] : [[name, value]]
  })
  return { status, headers: kept, body }
}

/** All of a body, or undefined when it is longer; it is read to its end in any case. */
async function readUpTo(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body ?? []) {
    length += chunk.byteLength
    if (length <= maxBytes) chunks.push(chunk)
    else chunks.length = 0
  }
  return length > maxBytes ? undefined : concatenate(chunks)
}
