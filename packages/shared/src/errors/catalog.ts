/** How a client may react: `no` - the same request fails again; `later` - try again after a wait. */
export type Retry = 'no' | 'later'

/** The `type` values that OpenAI's clients know how to tell apart. */
export type OpenAiErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'rate_limit_error'
  | 'insufficient_quota'
  | 'server_error'

/** One row of the catalog. */
export interface ErrorEntry {
  /** HTTP status on both APIs. */
  readonly status: number
  /** Whether the same request may succeed later. */
  readonly retry: Retry
  /** What went wrong, as a sentence that needs no detail. */
  readonly title: string
  /** The `type` of OpenAI's error object, which also says what kind of status it is. */
  readonly type: OpenAiErrorType
  /** OpenAI's own code where it has one for this fault; else our dotted code is sent. */
  readonly openAiCode?: string
  /** The detail may hold paths and library texts of the server: it belongs in the log, and a client sees the title. */
  readonly isPrivate?: true
}

const invalid = { retry: 'no', type: 'invalid_request_error' } as const
const server = { retry: 'no', type: 'server_error' } as const
const own = { ...server, status: 500, isPrivate: true } as const

/**
 * Every fault Loupe can report, once. Codes are stable: clients branch on them.
 *
 * On `/v1/*` a fault is rendered as an OpenAI error object, on `/v2/*` as an Open Inference Protocol error.
 */
export const ERRORS = {
  'request.invalid': { ...invalid, status: 400, title: 'The request does not match the schema.' },
  'request.unsupported': {
    ...invalid,
    status: 400,
    title: 'The request asks for something this server does not offer.',
  },
  'request.too_large': { ...invalid, status: 413, title: 'The request body is too large.' },
  'request.cancelled': { ...invalid, status: 499, title: 'The client went away before the answer was complete.' },

  'auth.missing': {
    ...invalid,
    status: 401,
    type: 'authentication_error',
    openAiCode: 'invalid_api_key',
    title: 'No API key was given.',
  },
  'auth.invalid': {
    ...invalid,
    status: 401,
    type: 'authentication_error',
    openAiCode: 'invalid_api_key',
    title: 'The API key is not valid.',
  },
  'auth.forbidden': { ...invalid, status: 403, title: 'The API key has not the scope for this address.' },
  'key.unknown': { ...invalid, status: 404, title: 'There is no such API key.' },
  'rate.limited': {
    retry: 'later',
    type: 'rate_limit_error',
    status: 429,
    openAiCode: 'rate_limit_exceeded',
    title: 'The limits of the API key are reached.',
  },
  'quota.exceeded': {
    retry: 'no',
    type: 'insufficient_quota',
    status: 429,
    openAiCode: 'insufficient_quota',
    title: 'The quota of the API key is used up.',
  },
  'ledger.unavailable': {
    retry: 'later',
    type: 'server_error',
    status: 503,
    title: 'API keys and limits cannot be checked now.',
  },
  'idempotency.mismatch': {
    ...invalid,
    status: 422,
    title: 'The Idempotency-Key was used with another request.',
  },
  'idempotency.running': {
    ...invalid,
    retry: 'later',
    status: 409,
    title: 'The request with this Idempotency-Key is still being answered.',
  },
  'idempotency.not_kept': {
    ...invalid,
    status: 409,
    title: 'The request with this Idempotency-Key was answered, and the reply was too long to be kept.',
  },

  'route.unknown': { ...invalid, status: 404, title: 'There is nothing at this address.' },
  'route.method': { ...invalid, status: 405, title: 'This address does not take this method.' },
  'model.unknown': { ...invalid, status: 404, openAiCode: 'model_not_found', title: 'This model is not served here.' },

  'response.unknown': { ...invalid, status: 404, title: 'There is no such response.' },
  'response.previous_unknown': {
    ...invalid,
    status: 400,
    openAiCode: 'previous_response_not_found',
    title: 'The response to go on with is not there.',
  },

  'file.unknown': { ...invalid, status: 404, title: 'There is no such file.' },
  'file.quota': { ...invalid, status: 413, title: 'The files of this tenant are larger than it may keep.' },
  'batch.unknown': { ...invalid, status: 404, title: 'There is no such batch.' },
  'batch.ended': { ...invalid, status: 409, title: 'The batch has ended.' },

  'image.empty': { ...invalid, status: 400, title: 'The image holds no bytes.' },
  'image.malformed': { ...invalid, status: 400, title: 'The image cannot be decoded.' },
  'image.unsupported': { ...invalid, status: 415, title: 'This image format is not supported.' },
  'image.too_large': { ...invalid, status: 413, title: 'The image is larger than the limits allow.' },
  'image.unreachable': { ...invalid, status: 400, title: 'The image could not be fetched from its address.' },
  'image.forbidden_url': { ...invalid, status: 400, title: 'Images are not fetched from this address.' },
  'resolver.unavailable': {
    retry: 'later',
    type: 'server_error',
    status: 503,
    title: 'The names of picture hosts cannot be looked up now.',
  },
  'image.count_mismatch': { ...invalid, status: 400, title: 'The number of images and image places differ.' },
  'image.missing': { ...invalid, status: 409, title: 'The worker does not hold these images; send their patches.' },
  'image.digest_mismatch': {
    ...invalid,
    status: 400,
    title: 'The patches do not have the digest they were announced with.',
  },

  'prompt.invalid': { ...invalid, status: 400, title: 'The messages do not form a conversation.' },
  'prompt.invalid_token': { ...invalid, status: 400, title: 'A token id is outside the vocabulary.' },
  'prompt.too_long': {
    ...invalid,
    status: 400,
    openAiCode: 'context_length_exceeded',
    title: 'The prompt does not fit the context of the model.',
  },
  'tokenizer.mismatch': {
    ...invalid,
    status: 409,
    title: 'The token ids were made with another tokenizer than the model has.',
  },
  'grammar.invalid': { ...invalid, status: 400, title: 'The grammar or schema cannot be used.' },
  'grammar.too_complex': {
    ...invalid,
    status: 400,
    title: 'The grammar takes more time or memory than the limits allow.',
  },
  'tensor.invalid': { ...invalid, status: 400, title: 'A tensor has the wrong name, type, shape or size.' },

  'queue.full': { retry: 'later', type: 'rate_limit_error', status: 429, title: 'Too many requests are waiting.' },
  'worker.unavailable': { retry: 'later', type: 'server_error', status: 503, title: 'The model worker is not ready.' },
  'worker.lost': { ...server, status: 502, title: 'The model worker stopped answering.' },
  'worker.timeout': { ...server, status: 504, title: 'The model worker took too long.' },
  internal: { ...own, title: 'Something went wrong on our side.' },

  'config.invalid': { ...own, title: 'The model configuration is not valid.' },
  'weights.invalid': { ...own, title: 'The checkpoint is not valid.' },
  'cache.unusable': { ...own, title: 'The weight cache cannot be used.' },
  'tokenizer.invalid': { ...own, title: 'The tokenizer file is not valid.' },
  'graph.shape_mismatch': { ...own, title: 'Two shapes in the graph do not fit.' },
  'runtime.failed': { ...own, title: 'ONNX Runtime reported an error.' },
  'usage.invalid': { ...invalid, status: 400, title: 'The command line is not valid.' },
} as const satisfies Record<string, ErrorEntry>

/** A stable, dotted error code. */
export type ErrorCode = keyof typeof ERRORS
