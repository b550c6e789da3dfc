import type { ApiScope } from '@loupe/shared/schema'

/** What the first step of an address behind `/v1/` needs. */
const SCOPES: Readonly<Record<string, ApiScope>> = {
  chat: 'chat',
  completions: 'chat',
  messages: 'chat',
  tokenize: 'chat',
  detokenize: 'chat',
  count: 'chat',
  preview: 'chat',
  responses: 'responses',
  embeddings: 'embeddings',
  models: 'models',
  files: 'files',
  batches: 'batches',
}

/**
 * The scope that a key needs for an address.
 *
 * @param path - `/v1/chat/completions` and the like
 * @returns undefined for an address that does not exist
 */
export function scopeOfPath(path: string): ApiScope | undefined {
  const step = /^\/v1\/([^/]+)/.exec(path)?.[1]
  return step !== undefined && Object.hasOwn(SCOPES, step) ? SCOPES[step] : undefined
}
