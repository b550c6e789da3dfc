import { errorReply } from '../schema/error-reply.ts'

/** What a {@link LoupeError} tells besides its message. */
export interface LoupeErrorOptions {
  /** Which fault it is: a code of the server's catalog, or `client.unreachable`, `client.timeout`, `client.bad_reply`. */
  readonly code: string
  /** The status of the reply; undefined when there was none. */
  readonly status?: number | undefined
  /** The part of the request at fault, as a JSON path. */
  readonly param?: string | undefined
  /** The server's name for the request, for its log. */
  readonly requestId?: string | undefined
  /** How long to wait before a retry, milliseconds. */
  readonly retryAfterMs?: number | undefined
  /** The underlying fault. */
  readonly cause?: unknown
}

/** What every call of the client fails with, unless the caller's own signal has ended it. */
export class LoupeError extends Error {
  /** Which fault it is: the stable code to branch on. */
  readonly code: string
  /** The status of the reply; undefined when there was none. */
  readonly status: number | undefined
  /** The part of the request at fault, as a JSON path. */
  readonly param: string | undefined
  /** The server's name for the request. */
  readonly requestId: string | undefined
  /** How long to wait before a retry, milliseconds. */
  readonly retryAfterMs: number | undefined

  /** @param message - what was expected and what was found */
  constructor(message: string, options: LoupeErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'LoupeError'
    this.code = options.code
    this.status = options.status
    this.param = options.param
    this.requestId = options.requestId
    this.retryAfterMs = options.retryAfterMs
  }
}

/** The error that a failed reply stands for. A body that is not ours (a proxy's page) is `client.bad_reply`. */
export async function replyError(reply: Response): Promise<LoupeError> {
  const context = {
    status: reply.status,
    requestId: reply.headers.get('x-request-id') ?? undefined,
    retryAfterMs: retryAfterMs(reply.headers),
  }
  return bodyError(await reply.json().catch(() => undefined), context)
}

/** The error that a body or an event with `error` stands for. */
export function bodyError(body: unknown, context: Omit<LoupeErrorOptions, 'code' | 'param'>): LoupeError {
  const read = errorReply.safeParse(body)
  if (!read.success) {
    return new LoupeError('Expected an error of Loupe as the body, found another.', {
      ...context,
      code: 'client.bad_reply',
    })
  }
  const { message, code, param, type } = read.data.error
  return new LoupeError(message, { ...context, code: code ?? type, param: param ?? undefined })
}

/** `retry-after-ms` is exact; `retry-after` is in seconds. Its other form, a date, is not sent by Loupe. */
function retryAfterMs(headers: Headers): number | undefined {
  const exact = headers.get('retry-after-ms')
  const seconds = headers.get('retry-after')
  const waitMs = exact === null ? Number(seconds ?? Number.NaN) * 1000 : Number(exact)
  return Number.isFinite(waitMs) && waitMs >= 0 ? waitMs : undefined
}
