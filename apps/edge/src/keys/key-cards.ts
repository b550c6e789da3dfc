import type { ApiKeyCard, ApiKeyDetails } from '@loupe/shared/schema'
import type { KeyDescription } from './key-book.ts'
import type { ListedKey } from './key-record.ts'

/** A key as the admin routes show it. */
export function keyCard(key: ListedKey): ApiKeyCard {
  return {
    object: 'api_key',
    id: key.id,
    name: key.name,
    owner: key.owner,
    scopes: [...key.scopes],
    limits: key.limits,
    created_at: seconds(key.createdMs),
    expires_at: secondsOrNull(key.expiresMs),
    revoked_at: secondsOrNull(key.revokedMs),
    last_used_at: secondsOrNull(key.lastUsedMs),
  }
}

/** A key with what it has used. */
export function keyDetails({ key, usage }: KeyDescription): ApiKeyDetails {
  return {
    ...keyCard(key),
    usage: {
      requests_this_minute: usage.requests,
      tokens_this_minute: usage.tokens,
      tokens_today: usage.dayTokens,
      tokens_this_month: usage.monthTokens,
      open_requests: usage.openAnswers,
    },
  }
}

function secondsOrNull(ms: number | undefined): number | null {
  return ms === undefined ? null : seconds(ms)
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000)
}
