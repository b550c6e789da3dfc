/** Headers that replies have, by their names in the document. */
export const HEADERS = {
  'x-request-id': header('Names the request in logs, and for whoever is asked about it. One that is sent is taken.'),
  'request-id': header('The same, where Anthropic’s clients look for it.'),
  'openai-processing-ms': header('How long it took until the reply began, milliseconds.'),
  'x-loupe-warning': header('Fields that were accepted and have no effect.'),
  'x-should-retry': header('`false` when the same request fails again.'),
  'retry-after': header('Seconds to wait.'),
  'retry-after-ms': header('The same in milliseconds.'),
  'idempotency-replayed': header('`true` on a reply that was given before.'),
  'x-ratelimit-limit-requests': header('Requests that the key may make in a minute, if it has a limit.'),
  'x-ratelimit-remaining-requests': header('How many of them are left.'),
  'x-ratelimit-reset-requests': header('Until all of them are back, as `120ms` or `1m0.5s`.'),
  'x-ratelimit-limit-tokens': header('Tokens that the key may use in a minute, if it has a limit.'),
  'x-ratelimit-remaining-tokens': header('How many of them are left.'),
  'x-ratelimit-reset-tokens': header('Until all of them are back.'),
} as const

/** The name of a header of replies. */
export type HeaderName = keyof typeof HEADERS

/** Headers of requests, by their names in the document. */
export const PARAMETERS = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'The same request with the same key is answered once; whoever sends it again gets the reply that was given.',
    schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
  },
  RequestId: {
    name: 'X-Request-Id',
    in: 'header',
    description:
      'Names the request; one is made up where it is missing or longer than 128 characters of `A-Z a-z 0-9 _ - =`.',
    schema: { type: 'string' },
  },
} as const

/** Ways to show a key. */
export const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'As OpenAI’s clients send an API key.' },
  apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'As Anthropic’s clients send it.' },
  adminBearer: { type: 'http', scheme: 'bearer', description: 'The admin key, or an API key with the scope `admin`.' },
  adminKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'The same.' },
} as const

function header(description: string) {
  return { description, schema: { type: 'string' } } as const
}
