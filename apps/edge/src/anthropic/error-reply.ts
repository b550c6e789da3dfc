import { type AppError, openAiError, retryHeaders } from '@loupe/shared/errors'
import type { AnthropicError } from '@loupe/shared/schema'

type ErrorType = AnthropicError['error']['type']

const TYPES: Readonly<Record<number, ErrorType>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
}

/** A failure as Anthropic's clients read it; our code and the part of the request at fault stand beside. */
export function anthropicErrorReply(error: AppError, requestId: string): Response {
  return Response.json(anthropicError(error, requestId), {
    status: error.entry.status,
    headers: retryHeaders(error),
  })
}

/** What a failure is in Anthropic's API. @see https://docs.anthropic.com/en/api/errors */
export function anthropicError(error: AppError, requestId: string): AnthropicError {
  const { status } = error.entry
  const type = TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')
  const { message, param } = openAiError(error).error
  const details = error.facts === undefined ? {} : { details: { ...error.facts } }
  return { type: 'error', error: { type, message, param, code: error.code, ...details }, request_id: requestId }
}
