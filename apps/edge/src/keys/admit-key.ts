import { AppError } from '@loupe/shared/errors'
import type { ApiScope } from '@loupe/shared/schema'
import type { KeepAlive } from '../keep-alive.ts'
import type { Caller } from './caller.ts'
import type { Admission, KeyBook } from './key-book.ts'
import type { Keyring, PresentedKey } from './keyring.ts'

/** What a managed key is checked with. */
export interface AdmitKeyOptions {
  readonly keyring: Keyring
  readonly keys: KeyBook
  readonly keepAlive: KeepAlive
}

/**
 * Checks a managed key with its account, one call, and counts a request.
 *
 * @param scope - what the request needs
 * @throws AppError `auth.invalid`, `auth.forbidden`, `ledger.unavailable`
 */
export async function admitKey(
  { id, digest }: PresentedKey,
  scope: ApiScope | undefined,
  { keyring, keys, keepAlive }: AdmitKeyOptions,
): Promise<Caller> {
  const account = keys.accountOf(id)
  const admission = await account.admit({ digest, scope })
  if (admission.outcome !== 'admitted' && admission.outcome !== 'limited') throw refusal(admission, scope)
  const { owner, headroom } = admission
  const newHourMs = admission.outcome === 'admitted' ? admission.newHourMs : undefined
  // A list that is an hour behind is no fault of the request.
  if (newHourMs !== undefined) keepAlive(keys.directory.touch(id, newHourMs).catch(() => undefined))
  const waitMs = admission.outcome === 'limited' ? admission.waitMs : 0
  return { tenant: await keyring.tenantOf('owner', owner), key: { id, account }, headroom, waitMs }
}

type Refusal = Exclude<Admission, { outcome: 'admitted' | 'limited' }>

function refusal(admission: Refusal, scope: ApiScope | undefined): AppError {
  switch (admission.outcome) {
    case 'unknown':
      return new AppError('auth.invalid')
    case 'revoked':
      return new AppError('auth.invalid', `The API key was revoked at ${isoTime(admission.atMs)}.`)
    case 'expired':
      return new AppError('auth.invalid', `The API key expired at ${isoTime(admission.atMs)}.`)
    case 'forbidden': {
      const detail = `Expected a key with the scope "${scope}", found one with ${admission.scopes.join(', ')}.`
      return new AppError('auth.forbidden', detail)
    }
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}
