import { AppError } from '@loupe/shared/errors'
import type { Context } from 'hono'

/**
 * The key that a request presents: as a bearer, which OpenAI's clients send, or in `x-api-key`, which Anthropic's do.
 *
 * @throws AppError `auth.missing`, `auth.invalid` for another way of authorization
 */
export function presentedKey(c: Context): string {
  const header = c.req.header('authorization')
  if (header === undefined) {
    const key = c.req.header('x-api-key')?.trim()
    if (key !== undefined && key !== '') return key
    throw new AppError('auth.missing', 'Expected the header "Authorization: Bearer <key>".')
  }
  const key = /^bearer +(\S+) *$/i.exec(header)?.[1]
  if (key === undefined) throw new AppError('auth.invalid', 'Expected "Bearer <key>" as the Authorization header.')
  return key
}
