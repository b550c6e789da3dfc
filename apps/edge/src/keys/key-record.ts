import type { ApiScope, KeyLimits } from '@loupe/shared/schema'

/** A key as it is stored. Nothing in it lets anybody use the key. */
export interface KeyRecord {
  /** The public part. */
  readonly id: string
  /** HMAC-SHA-256 of the whole key under the pepper, hex. */
  readonly digest: string
  readonly name: string
  readonly owner: string
  readonly scopes: readonly ApiScope[]
  readonly limits: KeyLimits
  /** Milliseconds since 1970, here and below. */
  readonly createdMs: number
  readonly expiresMs: number | undefined
  readonly revokedMs: number | undefined
}

/** A record as the directory lists it. */
export interface ListedKey extends Omit<KeyRecord, 'digest'> {
  /** To the hour. */
  readonly lastUsedMs: number | undefined
}
