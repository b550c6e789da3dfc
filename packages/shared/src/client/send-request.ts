import { LoupeError, replyError } from './loupe-error.ts'

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 8000
/** A server that asks for a longer wait is left alone: the caller gets its error at once. */
const MOST_PATIENCE_MS = 60_000
const RETRIED_STATUSES = new Set([408, 429, 500, 502, 503, 504])

/** How requests are sent. */
export interface SendOptions {
  /** Address of the server, without `/v1`. */
  readonly baseUrl: string
  readonly apiKey: string | undefined
  readonly fetch: typeof fetch
  /** Further attempts after the first. */
  readonly retries: number
  /** For the head of each reply; a stream may go on for longer. */
  readonly timeoutMs: number
}

/** One request. */
export interface OutgoingRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
}

/**
 * Sends a request and, where it may help, sends it again. The reply is a good one; its body is not read.
 *
 * @throws LoupeError the server's error, `client.unreachable` or `client.timeout`; the reason of the caller's signal
 */
export async function sendRequest(request: OutgoingRequest, options: SendOptions): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    const { reply, error, retriable } = await attemptOnce(request, options)
    if (reply !== undefined) return reply
    const waitMs = error.retryAfterMs ?? backoffMs(attempt)
    if (!retriable || attempt >= options.retries || waitMs > MOST_PATIENCE_MS) throw error
    await pause(waitMs, request.signal)
  }
}

type Attempt =
  | { readonly reply: Response; readonly error?: never; readonly retriable?: never }
  | { readonly reply?: never; readonly error: LoupeError; readonly retriable: boolean }

async function attemptOnce(request: OutgoingRequest, options: SendOptions): Promise<Attempt> {
  const { method, path, body, signal } = request
  signal?.throwIfAborted()
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), options.timeoutMs)
  try {
    const reply = await options.fetch(`${options.baseUrl}${path}`, {
      method,
      headers: headersOf(options.apiKey, body),
      signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (reply.ok) return { reply }
    return { error: await replyError(reply), retriable: mayRetry(reply) }
  } catch (cause) {
    signal?.throwIfAborted()
    const [code, message] = late.signal.aborted
      ? ['client.timeout', `Expected a reply within ${options.timeoutMs} ms, found none.`]
      : ['client.unreachable', 'Expected a reply, found that the server cannot be reached.']
    return { error: new LoupeError(message, { code, cause }), retriable: true }
  } finally {
    clearTimeout(timer)
  }
}

/** The server knows best; its advice is `x-should-retry`. */
function mayRetry({ headers, status }: Response): boolean {
  const advice = headers.get('x-should-retry')
  return advice === null ? RETRIED_STATUSES.has(status) : advice === 'true'
}

function headersOf(apiKey: string | undefined, body: unknown): Record<string, string> {
  return {
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  }
}

/** Doubles, less up to a quarter, so that clients that failed together do not come back together. */
function backoffMs(attempt: number): number {
  return Math.min(FIRST_WAIT_MS * 2 ** attempt, LONGEST_WAIT_MS) * (1 - Math.random() / 4)
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal?.aborted === true) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}
