import { type ApiKeyDetails, apiKeyDetails, type CreatedApiKey, createdApiKey } from '@loupe/shared/schema'
import { ADMIN_KEY, type Stack } from './stack.ts'

/** A prompt that is in no log, and an answer of one token. */
export const SHORT = {
  messages: [{ role: 'user', content: 'A secret of the tests about keys.' }],
  max_tokens: 1,
  ignore_eos: true,
}

/** The machine may be busy. */
export const PATIENCE = { timeout: 20_000, interval: 50 }

const told = [ADMIN_KEY, 'A secret of the tests about keys.']

/** All that was told to the edge or by it and has no place in a log. */
export function toldSecrets(): readonly string[] {
  return told
}

/** Calls an admin route of the edge. */
export function callAdmin(stack: Stack, path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${stack.edgeUrl}${path}`, { ...withKey(ADMIN_KEY), ...init })
}

/** Makes a key; name and owner are filled in. */
export async function createKey(stack: Stack, fields: Readonly<Record<string, unknown>>): Promise<CreatedApiKey> {
  const body = JSON.stringify({ name: 'of a test', owner: 'acme', ...fields })
  const reply = await callAdmin(stack, '/admin/keys', { method: 'POST', body })
  const created = createdApiKey.parse(await reply.json())
  told.push(created.key.slice(-52))
  return created
}

/** A key and what it has used. */
export async function describeKey(stack: Stack, id: string): Promise<ApiKeyDetails> {
  return apiKeyDetails.parse(await (await callAdmin(stack, `/admin/keys/${id}`)).json())
}

/** A request that costs no answer. */
export function askForModels(stack: Stack, key: string): Promise<Response> {
  return fetch(`${stack.edgeUrl}/v1/models`, withKey(key))
}

/** How many replies have each status. */
export function countStatuses(replies: readonly Response[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status } of replies) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

/** The header of a request with this key. */
export function withKey(key: string, more: Readonly<Record<string, string>> = {}) {
  return { headers: { ...more, authorization: `Bearer ${key}` } }
}
