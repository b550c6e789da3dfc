import { AppError } from '@loupe/shared/errors'
import {
  type ApiKeyCard,
  type ApiKeyDetails,
  apiKeyDetails,
  apiKeyList,
  type CreatedApiKey,
  createdApiKey,
} from '@loupe/shared/schema'
import { type ApiServer, callApi, parsedOrNothing } from './api-call.ts'

/** A schema of a reply. */
interface Schema<T> {
  safeParse(value: unknown): { readonly success: true; readonly data: T } | { readonly success: false }
}

/** Makes a key. @throws AppError what the API reports */
export function createKey(server: ApiServer, fields: Readonly<Record<string, unknown>>): Promise<CreatedApiKey> {
  return call(server, '/admin/keys', { schema: createdApiKey, init: { method: 'POST', body: JSON.stringify(fields) } })
}

/** Ends a key for good. @throws AppError `key.unknown`, and what else the API reports */
export function revokeKey(server: ApiServer, id: string): Promise<ApiKeyDetails> {
  const path = `/admin/keys/${encodeURIComponent(id)}`
  return call(server, path, { schema: apiKeyDetails, init: { method: 'DELETE' } })
}

/** All keys, the newest first, page by page. @throws AppError what the API reports */
export async function* listKeys(server: ApiServer, owner: string | undefined): AsyncGenerator<ApiKeyCard, void> {
  const query = new URLSearchParams({ limit: '100', ...(owner === undefined ? {} : { owner }) })
  for (;;) {
    const page = await call(server, `/admin/keys?${query}`, { schema: apiKeyList, init: {} })
    yield* page.data
    if (!page.has_more || page.last_id === null) return
    query.set('after', page.last_id)
  }
}

async function call<T>(
  server: ApiServer,
  path: string,
  { schema, init }: { readonly schema: Schema<T>; readonly init: RequestInit },
): Promise<T> {
  const response = await callApi(server, path, init)
  const reply = schema.safeParse(parsedOrNothing(await response.text()))
  if (!reply.success) throw new AppError('worker.lost', `${server.url} sent an unreadable reply about keys.`)
  return reply.data
}
