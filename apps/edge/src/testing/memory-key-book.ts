import { AppError } from '@loupe/shared/errors'
import { admit, describe, type KeyAccountState, openAccount, reserve, revoke, settle } from '../keys/key-account.ts'
import type { KeyAccount, KeyBook, KeyDirectory } from '../keys/key-book.ts'
import type { ListedKey } from '../keys/key-record.ts'

/** Keys in the memory of a test, with the same rules as those in Durable Objects. */
export interface MemoryKeyBook extends KeyBook {
  /** Changed by tests: whether nothing answers. */
  isDown: boolean
}

/** Makes an empty book. */
export function createMemoryKeyBook(nowMs: () => number): MemoryKeyBook {
  const accounts = new Map<string, KeyAccountState>()
  const listed = new Map<string, ListedKey>()
  const reach = <T>(work: () => T): Promise<T> => {
    if (book.isDown) return Promise.reject(new AppError('ledger.unavailable', '', { cause: new Error('down') }))
    return Promise.resolve(work())
  }
  const book: MemoryKeyBook = {
    isDown: false,
    accountOf: (id) => accountIn(accounts, { id, nowMs, reach }),
    directory: directoryOf(listed, reach),
  }
  return book
}

type Reach = <T>(work: () => T) => Promise<T>

interface Place {
  readonly id: string
  readonly nowMs: () => number
  readonly reach: Reach
}

function accountIn(accounts: Map<string, KeyAccountState>, { id, nowMs, reach }: Place): KeyAccount {
  /** A copy, as storage gives it: what is not put back is forgotten. */
  const using = <T>(work: (state: KeyAccountState) => T, otherwise: T): Promise<T> => {
    return reach(() => {
      const kept = accounts.get(id)
      if (kept === undefined) return otherwise
      const state = structuredClone(kept)
      const result = work(state)
      accounts.set(id, state)
      return result
    })
  }
  return {
    open: (record) => {
      return reach(() => {
        if (accounts.has(id)) return false
        accounts.set(id, openAccount(record))
        return true
      })
    },
    admit: (ask) => using((state) => admit(state, ask, nowMs()), { outcome: 'unknown' }),
    reserve: (ask) => using((state) => reserve(state, ask, nowMs()), { outcome: 'ended' }),
    settle: (ask) => using((state) => settle(state, ask, nowMs()), undefined),
    revoke: () => {
      return using((state) => {
        revoke(state, nowMs())
        return describe(state, nowMs())
      }, undefined)
    },
    describe: () => using((state) => describe(state, nowMs()), undefined),
  }
}

function directoryOf(listed: Map<string, ListedKey>, reach: Reach): KeyDirectory {
  return {
    put: (key) => reach(() => void listed.set(key.id, key)),
    touch: (id, lastUsedMs) => {
      return reach(() => {
        const key = listed.get(id)
        if (key !== undefined) listed.set(id, { ...key, lastUsedMs })
      })
    },
    list: ({ limit, after, owner }) => {
      return reach(() => {
        const all = [...listed.values()].sort(newestFirst)
        const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1
        const rest = after !== undefined && from === 0 ? [] : all.slice(from)
        return rest.filter((key) => owner === undefined || key.owner === owner).slice(0, limit + 1)
      })
    },
  }
}

function newestFirst(one: ListedKey, other: ListedKey): number {
  return other.createdMs - one.createdMs || (one.id < other.id ? 1 : -1)
}
