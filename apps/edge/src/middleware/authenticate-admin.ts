import { AppError } from '@loupe/shared/errors'
import { createMiddleware } from 'hono/factory'
import type { EdgeEnv } from '../edge-env.ts'
import { keepAliveOf } from '../keep-alive.ts'
import { admitKey } from '../keys/admit-key.ts'
import { type Caller, unlimitedCaller } from '../keys/caller.ts'
import type { KeyBook } from '../keys/key-book.ts'
import type { Keyring } from '../keys/keyring.ts'
import { isSameText } from '../keys/same-text.ts'
import { presentedKey } from './presented-key.ts'

/** Who may see and change keys. */
export interface AuthenticateAdminOptions {
  /** The secret `ADMIN_KEY`; without it only managed keys with the scope `admin` are taken. */
  readonly adminKey: string | undefined
  readonly keyring: Keyring
  readonly keys: KeyBook
}

/**
 * Lets through the admin key and managed keys with the scope `admin`; also where the rest of the API needs no key.
 *
 * @throws AppError `auth.missing`, `auth.invalid`, `auth.forbidden`, `rate.limited`, `ledger.unavailable`
 */
export function authenticateAdmin({ adminKey, keyring, keys }: AuthenticateAdminOptions) {
  const digest = (key: string) => keyring.digestOf('admin key', key)
  return createMiddleware<EdgeEnv>(async (c, next) => {
    const key = presentedKey(c)
    const isAdmin = adminKey !== undefined && isSameText(await digest(adminKey), await digest(key))
    const managed = isAdmin ? undefined : await keyring.read(key)
    if (!isAdmin && managed === undefined) throw new AppError('auth.invalid')
    const caller: Caller =
      managed === undefined
        ? unlimitedCaller('admin')
        : await admitKey(managed, 'admin', { keyring, keys, keepAlive: keepAliveOf(c) })
    if (caller.waitMs > 0) throw new AppError('rate.limited', '', { retryAfterMs: caller.waitMs })
    c.set('caller', caller)
    c.set('tenant', caller.tenant)
    c.header('cache-control', 'no-store')
    await next()
  })
}
