import { DurableObject } from 'cloudflare:workers'
import { admit, describe, type KeyAccountState, openAccount, reserve, revoke, settle } from './key-account.ts'
import type { Admission, AdmissionAsk, KeyDescription, ReservationAsk, Reserved } from './key-book.ts'
import type { KeyRecord } from './key-record.ts'

const STATE = 'account'

/**
 * One key: a Durable Object of its own, named by the key's id. It is one place in the world, so its counts are exact
 * however many isolates ask, and a key that is revoked is refused from then on. Every change is on disk before it is told.
 */
export class KeyObject extends DurableObject {
  open(record: KeyRecord): boolean {
    if (this.#load() !== undefined) return false
    this.#save(openAccount(record))
    return true
  }

  admit(ask: AdmissionAsk): Admission {
    const state = this.#load()
    if (state === undefined) return { outcome: 'unknown' }
    const admission = admit(state, ask, Date.now())
    if (admission.outcome === 'admitted') this.#save(state)
    return admission
  }

  reserve(ask: ReservationAsk): Reserved {
    const state = this.#load()
    if (state === undefined) return { outcome: 'ended' }
    const reserved = reserve(state, ask, Date.now())
    if (reserved.outcome === 'reserved') this.#save(state)
    return reserved
  }

  settle(ask: ReservationAsk): void {
    const state = this.#load()
    if (state === undefined) return
    settle(state, ask, Date.now())
    this.#save(state)
  }

  revoke(): KeyDescription | undefined {
    const state = this.#load()
    if (state === undefined) return undefined
    revoke(state, Date.now())
    this.#save(state)
    return describe(state, Date.now())
  }

  describe(): KeyDescription | undefined {
    const state = this.#load()
    return state === undefined ? undefined : describe(state, Date.now())
  }

  #load(): KeyAccountState | undefined {
    return this.ctx.storage.kv.get<KeyAccountState>(STATE)
  }

  #save(state: KeyAccountState): void {
    this.ctx.storage.kv.put(STATE, state)
  }
}
