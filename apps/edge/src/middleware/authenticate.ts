import { AppError } from '@loupe/shared/errors'
import { createMiddleware } from 'hono/factory'
import type { EdgeEnv } from '../edge-env.ts'

/** Who may call. */
export interface AuthenticateOptions {
  readonly apiKeys: readonly string[]
  /** Serve requests without a key; they share one tenant. */
  readonly isOpen: boolean
}

const encoder = new TextEncoder()

/**
 * Checks the bearer key and sets the tenant.
 *
 * Digests are compared, all of them and to the last byte, so that the time tells neither how much of a key was right
 * nor which key it was.
 *
 * @throws AppError `auth.missing`, `auth.invalid`
 */
export function authenticate({ apiKeys, isOpen }: AuthenticateOptions) {
  let known: Promise<Uint8Array[]> | undefined
  return createMiddleware<EdgeEnv>(async (c, next) => {
    if (isOpen) {
      c.set('tenant', 'open')
      return next()
    }
    const key = bearerKey(c.req.header('authorization'))
    known ??= Promise.all(apiKeys.map(sha256))
    if (!matchesAny(await sha256(key), await known)) throw new AppError('auth.invalid')
    c.set('tenant', await tenantOf(key))
    await next()
  })
}

/** A name for the owner of a key that does not tell the key, nor the digest that it is checked by. */
async function tenantOf(key: string): Promise<string> {
  const digest = await sha256(`loupe tenant\n${key}`)
  return Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function bearerKey(header: string | undefined): string {
  if (header === undefined) throw new AppError('auth.missing', 'Expected the header "Authorization: Bearer <key>".')
  const key = /^bearer +(\S+) *$/i.exec(header)?.[1]
  if (key === undefined) throw new AppError('auth.invalid', 'Expected "Bearer <key>" as the Authorization header.')
  return key
}

function matchesAny(digest: Uint8Array, known: readonly Uint8Array[]): boolean {
  let matches = 0
  for (const candidate of known) {
    let difference = 0
    candidate.forEach((byte, index) => {
      difference |= byte ^ (digest[index] ?? 0)
    })
    matches |= Number(difference === 0)
  }
  return matches === 1
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text)))
}
