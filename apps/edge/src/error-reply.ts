import { AppError, openAiError, retryHeaders } from '@loupe/shared/errors'

/** A failure as the OpenAI clients read it: the body, the status, and whether to try again. */
export function errorReply(error: AppError): Response {
  // 499 is a status for logs. Nobody is there to read it, but `Response` must have one.
  return Response.json(openAiError(error), { status: error.entry.status, headers: retryHeaders(error) })
}

/** The fault that an aborted signal stands for. */
export function abortError(signal: AbortSignal): AppError {
  return AppError.isInstance(signal.reason)
    ? signal.reason
    : new AppError('request.cancelled', '', { cause: signal.reason })
}
