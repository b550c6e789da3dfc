import { z } from 'zod'
import { boundedList } from '../bounded-list.ts'

/** What a key may be used for. `admin` is for the keys themselves. */
export const API_SCOPES = ['chat', 'responses', 'embeddings', 'models', 'files', 'batches', 'admin'] as const

/** One use that a key may be made for. */
export type ApiScope = (typeof API_SCOPES)[number]

const count = z.int().min(1).max(1_000_000_000)

/** How much a key may use; what is left out has no limit. Days and months are those of UTC. */
export const keyLimits = z.strictObject({
  requests_per_minute: count.optional(),
  /** Tokens of prompts and answers. A request counts with its longest answer until it has ended. */
  tokens_per_minute: count.optional(),
  tokens_per_day: count.optional(),
  tokens_per_month: count.optional(),
  /** Answers that are made at the same time. */
  concurrent_requests: z.int().min(1).max(1000).optional(),
})

/** How much a key may use, as {@link keyLimits} describes it. */
export type KeyLimits = z.infer<typeof keyLimits>

/** Seconds since 1970. */
const unixTime = z.int().min(0)

const keyFields = {
  /** The public part of the key. */
  id: z.string(),
  name: z.string(),
  /** Whom it belongs to. Keys of one owner share files and caches, and nobody else does. */
  owner: z.string(),
  scopes: z.array(z.enum(API_SCOPES)),
  limits: keyLimits,
  created_at: unixTime,
  expires_at: unixTime.nullable(),
  revoked_at: unixTime.nullable(),
  /** To the hour. */
  last_used_at: unixTime.nullable(),
}

/** A key as the admin routes show it: everything but its secret. */
export const apiKeyCard = z.object({ object: z.literal('api_key'), ...keyFields })

/** A key without its secret, as {@link apiKeyCard} describes it. */
export type ApiKeyCard = z.infer<typeof apiKeyCard>

/** The reply of `POST /admin/keys`, the only one that tells the key. */
export const createdApiKey = z.object({ ...apiKeyCard.shape, key: z.string() })

/** A key that was just made, as {@link createdApiKey} describes it. */
export type CreatedApiKey = z.infer<typeof createdApiKey>

/** The reply of `GET /admin/keys/{id}`: the key, and what it has used. */
export const apiKeyDetails = z.object({
  ...apiKeyCard.shape,
  usage: z.object({
    requests_this_minute: z.int().min(0),
    tokens_this_minute: z.int().min(0),
    tokens_today: z.int().min(0),
    tokens_this_month: z.int().min(0),
    /** Answers that are being made. */
    open_requests: z.int().min(0),
  }),
})

/** A key and what it has used, as {@link apiKeyDetails} describes it. */
export type ApiKeyDetails = z.infer<typeof apiKeyDetails>

/** The reply of `GET /admin/keys`, the newest first. */
export const apiKeyList = z.object({
  object: z.literal('list'),
  data: z.array(apiKeyCard),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
})

/** A page of keys, as {@link apiKeyList} describes it. */
export type ApiKeyList = z.infer<typeof apiKeyList>

/** A list of scopes that names none twice. */
export const scopeList = boundedList(z.enum(API_SCOPES), [1, API_SCOPES.length]).refine(
  (scopes) => new Set(scopes).size === scopes.length,
  'expected each scope once',
)
