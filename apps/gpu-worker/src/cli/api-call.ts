import { AppError, ERRORS, type ErrorCode } from '@loupe/shared/errors'
import { errorReply } from '@loupe/shared/schema'

/** A server of the public API. */
export interface ApiServer {
  /** Base address of an OpenAI-compatible server, without `/v1`. */
  readonly url: string
  readonly apiKey: string | undefined
  readonly signal: AbortSignal
}

/** An address as people write it, without what the paths begin with. */
export function baseUrl(url: string): string {
  return url.replace(/\/+$/, '').replace(/\/v1$/, '')
}

/**
 * Sends one request.
 *
 * @throws AppError what the API reports, or `worker.unavailable` when nobody listens
 */
export async function callApi({ url, apiKey, signal }: ApiServer, path: string, init: RequestInit): Promise<Response> {
  const headers = {
    'content-type': 'application/json',
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  }
  const response = await fetch(`${url}${path}`, { ...init, headers, signal }).catch((cause: unknown) => {
    signal.throwIfAborted()
    throw new AppError('worker.unavailable', `Nobody answers at ${url}.`, { cause })
  })
  if (response.ok) return response
  const failure = errorReply.safeParse(parsedOrNothing(await response.text()))
  if (failure.success) throw apiError(failure.data.error)
  throw new AppError('worker.lost', `${url} answered with status ${response.status}.`)
}

/** What is no JSON fits no schema. */
export function parsedOrNothing(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A failure that the API reports. OpenAI's codes stand for some of ours; the message is the server's in any case. */
export function apiError({ code, message }: { code: string | null; message: string }): AppError {
  const codes = Object.keys(ERRORS) as ErrorCode[] // the catalog's keys are its codes
  const known = codes.find((own) => own === code) ?? codes.find((own) => openAiCode(own) === code)
  return new AppError(known ?? 'worker.lost', message)
}

function openAiCode(code: ErrorCode): string | undefined {
  const entry = ERRORS[code]
  return 'openAiCode' in entry ? entry.openAiCode : undefined
}
