import { objectNamespace } from '../durable-objects.ts'
import { reachObject } from '../keys/reach-object.ts'
import type { ReplyObject } from './reply-object.ts'
import type { ReplyShelf } from './reply-shelf.ts'

/** Replies in Durable Objects. @throws AppError `config.invalid` when the binding is missing */
export function createObjectReplyShelf(env: Readonly<Record<string, unknown>>): ReplyShelf {
  const slots = objectNamespace<ReplyObject>(env, 'REPLIES')
  return {
    slotOf(name) {
      const slot = slots.getByName(name)
      return {
        claim: (ask) => reachObject(() => slot.claim(ask)),
        renew: (attempt) => reachObject(() => slot.renew(attempt)),
        finish: (attempt, reply) => reachObject(() => slot.finish(attempt, reply)),
        release: (attempt) => reachObject(() => slot.release(attempt)),
      }
    },
  }
}
