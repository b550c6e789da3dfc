import { DurableObject } from 'cloudflare:workers'
import {
  type Claim,
  claimReply,
  finishReply,
  isHeldBy,
  type KeptReply,
  type ReplyAsk,
  type ReplyEntry,
  renewReply,
} from './reply-entry.ts'

const ENTRY = 'entry'

/** One Idempotency-Key of one tenant: a Durable Object that removes itself when its time is over. */
export class ReplyObject extends DurableObject {
  async claim(ask: ReplyAsk): Promise<Claim> {
    const { claim, entry } = claimReply(this.#load(), ask, Date.now())
    if (entry !== undefined) {
      this.#save(entry)
      await this.ctx.storage.setAlarm(entry.expiresMs)
    }
    return claim
  }

  renew(attempt: string): void {
    this.#save(renewReply(this.#load(), attempt, Date.now()))
  }

  finish(attempt: string, reply: KeptReply | undefined): void {
    this.#save(finishReply(this.#load(), attempt, reply))
  }

  async release(attempt: string): Promise<void> {
    if (isHeldBy(this.#load(), attempt)) await this.ctx.storage.deleteAll()
  }

  /** Called by the runtime at the time that was set. */
  async alarm(): Promise<void> {
    await this.ctx.storage.deleteAll()
  }

  #load(): ReplyEntry | undefined {
    return this.ctx.storage.kv.get<ReplyEntry>(ENTRY)
  }

  #save(entry: ReplyEntry | undefined): void {
    if (entry !== undefined) this.ctx.storage.kv.put(ENTRY, entry)
  }
}
