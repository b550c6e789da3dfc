import { claimReply, finishReply, isHeldBy, type ReplyEntry, renewReply } from '../replies/reply-entry.ts'
import type { ReplyShelf } from '../replies/reply-shelf.ts'

/** Replies in the memory of a test, with the same rules as those in Durable Objects. */
export function createMemoryReplyShelf(nowMs: () => number): ReplyShelf {
  const entries = new Map<string, ReplyEntry>()
  const save = (name: string, entry: ReplyEntry | undefined) => {
    if (entry !== undefined) entries.set(name, entry)
  }
  return {
    slotOf: (name) => ({
      async claim(ask) {
        const { claim, entry } = claimReply(entries.get(name), ask, nowMs())
        save(name, entry)
        return claim
      },
      async renew(attempt) {
        save(name, renewReply(entries.get(name), attempt, nowMs()))
      },
      async finish(attempt, reply) {
        save(name, finishReply(entries.get(name), attempt, reply))
      },
      async release(attempt) {
        if (isHeldBy(entries.get(name), attempt)) entries.delete(name)
      },
    }),
  }
}
