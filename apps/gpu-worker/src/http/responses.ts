import { type AppError, oipError, retryHeaders } from '@loupe/shared/errors'
import type { EncodedMessage } from '@loupe/shared/wire'

/** A failed reply of the protocol. @param headers - besides those that say whether to try again */
export function errorResponse(error: AppError, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json(oipError(error), { status: error.entry.status, headers: { ...retryHeaders(error), ...headers } })
}

/** A message of the protocol as a reply. */
export function messageResponse({ headers, body }: EncodedMessage): Response {
  return new Response(body, { headers })
}

/** What {@link eventStreamResponse} needs. */
export interface EventStreamOptions {
  /** Called when the client leaves before the end. */
  readonly onLeave: () => void
  readonly keepAliveMs: number
}

/**
 * A stream of server-sent events. Its headers go out at once: proxies give up on a reply whose first byte is late.
 *
 * @param events - whole events, as text
 */
export function eventStreamResponse(events: AsyncIterable<string>, options: EventStreamOptions): Response {
  const encoder = new TextEncoder()
  const iterator = events[Symbol.asyncIterator]()
  let isSilent = true
  let keepAlive: ReturnType<typeof setInterval> | undefined
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      keepAlive = setInterval(() => {
        if (isSilent && (controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(': ping\n\n'))
        isSilent = true
      }, options.keepAliveMs)
    },
    async pull(controller) {
      const { done, value } = await iterator.next()
      isSilent = false
      if (done !== true) return controller.enqueue(encoder.encode(value))
      clearInterval(keepAlive)
      controller.close()
    },
    cancel() {
      clearInterval(keepAlive)
      options.onLeave()
    },
  })
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    },
  })
}
