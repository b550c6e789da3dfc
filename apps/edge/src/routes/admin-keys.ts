import { AppError } from '@loupe/shared/errors'
import {
  type ApiKeyDetails,
  type ApiKeyList,
  type CreatedApiKey,
  type CreateKeyRequest,
  readCreateKeyRequest,
  readListKeysQuery,
} from '@loupe/shared/schema'
import { type Context, Hono } from 'hono'
import type { EdgeEnv } from '../edge-env.ts'
import type { KeyBook } from '../keys/key-book.ts'
import { keyCard, keyDetails } from '../keys/key-cards.ts'
import type { ListedKey } from '../keys/key-record.ts'
import type { Keyring } from '../keys/keyring.ts'
import { readJson } from '../read-json.ts'

/** What the admin routes work with. */
export interface AdminKeysOptions {
  readonly keys: KeyBook
  readonly keyring: Keyring
}

/** A key is described in less. */
const MOST_BODY_BYTES = 16_384
const ID = /^[0-9a-f]{16}$/

/** `POST /admin/keys`, `GET /admin/keys`, `GET /admin/keys/{id}` and `DELETE /admin/keys/{id}`, which revokes. */
export function adminKeys({ keys, keyring }: AdminKeysOptions) {
  return new Hono<EdgeEnv>()
    .post('/', async (c) => {
      const request = readCreateKeyRequest(await readJson(c.req.raw, MOST_BODY_BYTES))
      const { key, listed } = await createKey(request, { keys, keyring, nowMs: c.var.services.nowMs() })
      audit(c, 'key.created', listed)
      return c.json<CreatedApiKey>({ ...keyCard(listed), key }, 201)
    })
    .get('/', async (c) => {
      const { limit, after, owner } = readListKeysQuery(c.req.query())
      const found = await keys.directory.list({ limit, after, owner })
      const data = found.slice(0, limit).map(keyCard)
      const ends = { first_id: data.at(0)?.id ?? null, last_id: data.at(-1)?.id ?? null }
      return c.json<ApiKeyList>({ object: 'list', data, ...ends, has_more: found.length > limit })
    })
    .get('/:id', async (c) => {
      const described = await accountOf(keys, c.req.param('id')).describe()
      if (described === undefined) throw new AppError('key.unknown')
      return c.json<ApiKeyDetails>(keyDetails(described))
    })
    .delete('/:id', async (c) => {
      const described = await accountOf(keys, c.req.param('id')).revoke()
      if (described === undefined) throw new AppError('key.unknown')
      // The key is refused from here on. Should the list not hear of it, the same call again tells it.
      await keys.directory.put(described.key)
      audit(c, 'key.revoked', described.key)
      return c.json<ApiKeyDetails>(keyDetails(described))
    })
    .on(['PUT', 'PATCH', 'DELETE'], '/', (c) => refuseMethod(c, 'GET, HEAD, POST'))
    .on(['POST', 'PUT', 'PATCH'], '/:id', (c) => refuseMethod(c, 'GET, HEAD, DELETE'))
}

/** @throws AppError `key.unknown` for what can be no id, so that nobody makes objects by asking for them */
function accountOf(keys: KeyBook, id: string) {
  if (!ID.test(id)) throw new AppError('key.unknown')
  return keys.accountOf(id)
}

async function createKey(
  { name, owner, scopes, limits, expires_at: expiresAt }: CreateKeyRequest,
  { keys, keyring, nowMs }: AdminKeysOptions & { readonly nowMs: number },
): Promise<{ readonly key: string; readonly listed: ListedKey }> {
  const expiresMs = expiresAt === null || expiresAt === undefined ? undefined : expiresAt * 1000
  if (expiresMs !== undefined && expiresMs <= nowMs) {
    const detail = `expires_at: expected a time after ${Math.floor(nowMs / 1000)}, found ${expiresAt}.`
    throw new AppError('request.invalid', detail, { param: 'expires_at' })
  }
  const { id, digest, key } = await keyring.mint()
  const shown = { id, name, owner, scopes, limits, createdMs: nowMs, expiresMs, revokedMs: undefined }
  // Two keys with the same 64 random bits: the second is not made, and the caller tries again.
  if (!(await keys.accountOf(id).open({ ...shown, digest }))) throw new AppError('ledger.unavailable')
  const listed = { ...shown, lastUsedMs: undefined }
  await keys.directory.put(listed)
  return { key, listed }
}

/** Who did what to which key. The key itself is told to nobody but its owner. */
function audit(c: Context<EdgeEnv>, event: string, { id, owner, scopes }: ListedKey): void {
  const by = c.var.caller.key?.id ?? 'ADMIN_KEY'
  c.var.services.log({ request_id: c.var.requestId, event, by, key_id: id, owner, scopes: scopes.join(',') })
}

function refuseMethod(c: Context<EdgeEnv>, taken: string): never {
  c.header('allow', taken)
  throw new AppError('route.method', `Expected ${taken}, found ${c.req.method}.`)
}
