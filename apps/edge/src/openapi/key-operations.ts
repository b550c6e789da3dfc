import { EXAMPLE_IDS, EXAMPLE_TIME } from './example-values.ts'
import type { Operation } from './operation.ts'

const key = {
  object: 'api_key',
  id: EXAMPLE_IDS.key,
  name: 'Web shop',
  owner: 'web-shop',
  scopes: ['chat', 'models'],
  limits: { requests_per_minute: 60, tokens_per_day: 1_000_000 },
  created_at: EXAMPLE_TIME,
  expires_at: null,
  revoked_at: null,
  last_used_at: null,
}
const usage = {
  requests_this_minute: 3,
  tokens_this_minute: 812,
  tokens_today: 51_200,
  tokens_this_month: 51_200,
  open_requests: 0,
}
const pathParameters = { id: { description: 'The public part of a key.', example: EXAMPLE_IDS.key } }

/** API keys, for the admin key and for keys with the scope `admin`; and the addresses for whoever keeps it running. */
export const KEY_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: '/admin/keys',
    id: 'createKey',
    tag: 'Keys',
    summary: 'Make a key',
    description: 'The only reply that tells the key.',
    key: 'admin',
    body: {
      kind: 'json',
      schema: 'CreateKeyRequest',
      examples: {
        'With limits': { name: key.name, owner: key.owner, scopes: key.scopes, limits: key.limits },
        'With all scopes but admin': { name: 'Everything', owner: 'me' },
      },
    },
    reply: {
      status: 201,
      description: 'The key.',
      json: { schema: 'CreatedApiKey', example: { ...key, key: `sk-loupe-${EXAMPLE_IDS.key}-...` } },
    },
    errors: ['request.invalid', 'request.too_large'],
  },
  {
    method: 'get',
    path: '/admin/keys',
    id: 'listKeys',
    tag: 'Keys',
    summary: 'List keys',
    key: 'admin',
    query: 'ListKeysQuery',
    reply: {
      status: 200,
      description: 'A page of keys, the newest first.',
      json: {
        schema: 'ApiKeyList',
        example: { object: 'list', data: [key], first_id: key.id, last_id: key.id, has_more: false },
      },
    },
    errors: ['request.invalid'],
  },
  {
    method: 'get',
    path: '/admin/keys/{id}',
    id: 'getKey',
    tag: 'Keys',
    summary: 'Show a key and what it has used',
    key: 'admin',
    pathParameters,
    reply: {
      status: 200,
      description: 'The key.',
      json: { schema: 'ApiKeyDetails', example: { ...key, last_used_at: EXAMPLE_TIME, usage } },
    },
    errors: ['key.unknown'],
  },
  {
    method: 'delete',
    path: '/admin/keys/{id}',
    id: 'revokeKey',
    tag: 'Keys',
    summary: 'Revoke a key',
    description: 'It is refused from here on.',
    key: 'admin',
    pathParameters,
    reply: {
      status: 200,
      description: 'The key.',
      json: { schema: 'ApiKeyDetails', example: { ...key, revoked_at: EXAMPLE_TIME + 60, usage } },
    },
    errors: ['key.unknown'],
  },
  {
    method: 'get',
    path: '/healthz',
    id: 'getHealth',
    tag: 'Health',
    summary: 'The edge runs',
    key: 'none',
    reply: { status: 200, description: 'It does.', json: { schema: 'HealthReply', example: { status: 'ok' } } },
    errors: [],
  },
  {
    method: 'get',
    path: '/readyz',
    id: 'getReadiness',
    tag: 'Health',
    summary: 'The worker behind it is ready, too',
    key: 'none',
    reply: { status: 200, description: 'It is.', json: { schema: 'ReadyReply', example: { status: 'ready' } } },
    errors: ['worker.unavailable', 'worker.lost', 'worker.timeout'],
  },
]
