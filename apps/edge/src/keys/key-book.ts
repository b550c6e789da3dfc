import type { ApiScope } from '@loupe/shared/schema'
import type { KeyRecord, ListedKey } from './key-record.ts'

/** How much of a limit is left, as `x-ratelimit-*` headers tell it. */
export interface Headroom {
  readonly limit: number
  readonly remaining: number
  /** Until all of it is there again. */
  readonly resetMs: number
}

/** What is left of the limits that a key has. */
export interface KeyHeadroom {
  readonly requests?: Headroom | undefined
  readonly tokens?: Headroom | undefined
}

/** Whether a request may go on. Only who knows the whole key learns more than `unknown`. */
export type Admission =
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'revoked' | 'expired'; readonly atMs: number }
  | { readonly outcome: 'forbidden'; readonly scopes: readonly ApiScope[] }
  | { readonly outcome: 'limited'; readonly owner: string; readonly waitMs: number; readonly headroom: KeyHeadroom }
  | {
      readonly outcome: 'admitted'
      readonly owner: string
      readonly headroom: KeyHeadroom
      /** The hour, when the key was not used before in it. */
      readonly newHourMs: number | undefined
    }

/** Whether an answer may be made. */
export type Reserved =
  | { readonly outcome: 'ended' }
  | { readonly outcome: 'spent'; readonly period: 'day' | 'month'; readonly limit: number }
  | {
      readonly outcome: 'limited'
      readonly by: 'tokens' | 'answers'
      readonly limit: number
      readonly waitMs: number
      readonly headroom: KeyHeadroom
    }
  | { readonly outcome: 'reserved'; readonly headroom: KeyHeadroom }

/** What a key has used. */
interface KeyUsage {
  readonly requests: number
  readonly tokens: number
  readonly dayTokens: number
  readonly monthTokens: number
  readonly openAnswers: number
}

/** What a key shows of itself. */
export interface KeyDescription {
  readonly key: ListedKey
  readonly usage: KeyUsage
}

/** What is asked of a key at the beginning of a request. */
export interface AdmissionAsk {
  /** HMAC of the key that was presented, hex. */
  readonly digest: string
  /** What the request needs; nothing for an address that does not exist. */
  readonly scope: ApiScope | undefined
}

/** What is set aside for an answer. */
export interface ReservationAsk {
  /** Made by the caller, so that it can settle what it never heard of. */
  readonly id: string
  /** Of the prompt and of the longest answer. */
  readonly tokens: number
}

/** One key, wherever it is kept. Nothing is between two calls: what is refused was counted nowhere. */
export interface KeyAccount {
  /** @returns false when there is a key of this id already */
  open(record: KeyRecord): Promise<boolean>
  /** Checks a key and counts a request. */
  admit(ask: AdmissionAsk): Promise<Admission>
  /** Sets tokens aside for an answer. */
  reserve(ask: ReservationAsk): Promise<Reserved>
  /** Puts what an answer has really taken in the place of what was set aside. */
  settle(ask: ReservationAsk): Promise<void>
  /** Ends a key for good. @returns undefined when there is no such key */
  revoke(): Promise<KeyDescription | undefined>
  /** @returns undefined when there is no such key */
  describe(): Promise<KeyDescription | undefined>
}

/** Which keys of the directory are asked for, the newest first. */
export interface DirectoryQuery {
  readonly limit: number
  /** The id before the first. */
  readonly after: string | undefined
  readonly owner: string | undefined
}

/** Which keys there are. It never decides whether one is valid: the account does. */
export interface KeyDirectory {
  /** Puts a key into the list, or what has changed of it. */
  put(key: ListedKey): Promise<void>
  /** Notes that a key was used in an hour. */
  touch(id: string, hourMs: number): Promise<void>
  /** @returns at most `limit` keys, and one more when there are more */
  list(query: DirectoryQuery): Promise<ListedKey[]>
}

/**
 * All keys. Every method throws `ledger.unavailable` when what keeps them does not answer, and the request is refused: a
 * limit that cannot be counted is a limit that is reached.
 */
export interface KeyBook {
  accountOf(id: string): KeyAccount
  readonly directory: KeyDirectory
}
