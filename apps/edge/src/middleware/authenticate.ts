import { AppError } from '@loupe/shared/errors'
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { Insiders } from '../batches/insiders.ts'
import { lateWorker } from '../batches/late-worker.ts'
import type { EdgeEnv } from '../edge-env.ts'
import { keepAliveOf } from '../keep-alive.ts'
import { admitKey } from '../keys/admit-key.ts'
import { type Caller, unlimitedCaller } from '../keys/caller.ts'
import type { KeyBook } from '../keys/key-book.ts'
import type { Keyring } from '../keys/keyring.ts'
import { scopeOfPath } from '../keys/path-scope.ts'
import { isSameText } from '../keys/same-text.ts'
import { presentedKey } from './presented-key.ts'

/** Who may call. */
export interface AuthenticateOptions {
  /** Static keys: each is an owner of its own, without limits, with all scopes but `admin`. */
  readonly apiKeys: readonly string[]
  /** Serve requests without a key; they share one tenant. */
  readonly isOpen: boolean
  readonly keyring: Keyring
  readonly keys: KeyBook
  /** Requests whose caller is known: those of batches. */
  readonly insiders: Insiders
}

/** What every managed key begins with. */
const MANAGED = 'sk-loupe-'

/**
 * Checks the key, counts the request of a managed one, and sets who calls. Digests are compared, all of them and to the
 * last character, so that the time tells neither how much of a key was right nor which key it was.
 *
 * Where no key is needed any text passes as one, as local servers have it; a managed key is checked there too, so that
 * its limits and its tenant can be tried.
 *
 * @throws AppError `auth.missing`, `auth.invalid`, `auth.forbidden`, `ledger.unavailable`
 */
export function authenticate(options: AuthenticateOptions) {
  const isStatic = matcher(options.apiKeys, options.keyring)
  return createMiddleware<EdgeEnv>(async (c, next) => {
    const insider = options.insiders.get(c.req.raw)
    const caller = insider ?? (await callerOf(c, options, isStatic))
    if (insider !== undefined) c.set('services', { ...c.var.services, worker: lateWorker(c.var.services.worker) })
    c.set('caller', caller)
    c.set('tenant', caller.tenant)
    await next()
  })
}

async function callerOf(
  c: Context<EdgeEnv>,
  { isOpen, keyring, keys }: AuthenticateOptions,
  isStatic: (key: string) => Promise<boolean>,
): Promise<Caller> {
  const key = isOpen ? keyIfAny(c) : presentedKey(c)
  if (key?.startsWith(MANAGED)) {
    const presented = await keyring.read(key)
    if (presented !== undefined) {
      return admitKey(presented, scopeOfPath(c.req.path), { keyring, keys, keepAlive: keepAliveOf(c) })
    }
    if (isOpen) throw new AppError('auth.invalid')
  }
  if (isOpen || key === undefined) return unlimitedCaller('open')
  if (!(await isStatic(key))) throw new AppError('auth.invalid')
  return unlimitedCaller(await keyring.tenantOf('static', key))
}

function keyIfAny(c: Context<EdgeEnv>): string | undefined {
  try {
    return presentedKey(c)
  } catch {
    return undefined
  }
}

/** Finished digests are kept, never promises: what one request awaits must not be another's. */
function matcher(known: readonly string[], { digestOf }: Keyring): (key: string) => Promise<boolean> {
  let digests: readonly string[] | undefined
  const digest = (key: string) => digestOf('static key', key)
  return async (key) => {
    const presented = await digest(key)
    digests ??= await Promise.all(known.map(digest))
    return digests.filter((candidate) => isSameText(candidate, presented)).length > 0
  }
}
