import type { KeyAccount, KeyHeadroom } from './key-book.ts'

/** Who makes a request. */
export interface Caller {
  /** Whose request it is: a hash of the owner of the key, or `open`. */
  readonly tenant: string
  /** The managed key that it came with. */
  readonly key: { readonly id: string; readonly account: KeyAccount } | undefined
  readonly headroom: KeyHeadroom
  /** Milliseconds until the key may make a request again; 0 for now. */
  readonly waitMs: number
}

/** A caller without limits. */
export function unlimitedCaller(tenant: string): Caller {
  return { tenant, key: undefined, headroom: {}, waitMs: 0 }
}
