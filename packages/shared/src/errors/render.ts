import { AppError } from './app-error.ts'
import { ERRORS, type ErrorCode } from './catalog.ts'

/** The body of every failed `/v1/*` reply. @see https://platform.openai.com/docs/guides/error-codes */
export interface OpenAiErrorBody {
  /** OpenAI's error object; `code` is theirs where they have one for the fault, else ours. */
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string | null
  }
}

/** The body of every failed `/v2/*` reply: the `error` string of the Open Inference Protocol, plus our code and facts. */
export interface OipErrorBody {
  /** What went wrong, as a sentence. */
  readonly error: string
  /** Our code for it. */
  readonly code: ErrorCode
  /** The part of the request at fault, as a JSON path or the name of a tensor. */
  readonly param?: string
  /** Machine-readable facts, for example the digests of missing pictures. */
  readonly facts?: Readonly<Record<string, unknown>>
}

/** A fault of our own shows nothing of itself: its detail and cause belong in the log, under the request id. */
function publicMessage(error: AppError): string {
  return error.entry.isPrivate ? error.entry.title : error.message
}

/** Renders an error for the OpenAI-compatible API. */
export function openAiError(error: AppError): OpenAiErrorBody {
  const { type, openAiCode } = error.entry
  return { error: { message: publicMessage(error), type, param: error.param ?? null, code: openAiCode ?? error.code } }
}

/** Renders an error for the Open Inference Protocol. */
export function oipError(error: AppError): OipErrorBody {
  return {
    error: publicMessage(error),
    code: error.code,
    ...(error.param === undefined ? {} : { param: error.param }),
    ...(error.facts === undefined ? {} : { facts: error.facts }),
  }
}

/**
 * Headers that tell a client library whether to try again, and when.
 *
 * OpenAI's SDKs retry 408, 409, 429 and 5xx by themselves, so a failure that a retry cannot mend must say so.
 */
export function retryHeaders(error: AppError): Record<string, string> {
  const waitMs = error.retryAfterMs ?? 1000
  if (error.entry.retry === 'no' || waitMs === Number.POSITIVE_INFINITY) return { 'x-should-retry': 'false' }
  return { 'retry-after': String(Math.ceil(waitMs / 1000)), 'retry-after-ms': String(waitMs) }
}

/**
 * The error that a worker's reply stands for. Only a code of the catalog is believed; all else becomes `worker.lost`.
 *
 * @param body - parsed JSON of a `/v2/*` reply that was not a success
 */
export function fromOipError(body: unknown): AppError {
  if (typeof body !== 'object' || body === null)
    return new AppError('worker.lost', 'The worker sent an unreadable error.')
  const { error, code, param, facts } = body as Partial<Record<keyof OipErrorBody, unknown>>
  if (typeof code !== 'string' || !Object.hasOwn(ERRORS, code))
    return new AppError('worker.lost', 'The worker sent an unknown error.')
  return new AppError(code as ErrorCode, typeof error === 'string' ? error : '', {
    ...(typeof param === 'string' ? { param } : {}),
    ...(typeof facts === 'object' && facts !== null ? { facts: facts as Record<string, unknown> } : {}),
  })
}
