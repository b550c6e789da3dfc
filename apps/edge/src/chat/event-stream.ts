import { AppError, openAiError } from '@loupe/shared/errors'
import { encodeSseEvent } from '@loupe/shared/wire'

/** How a stream of events is sent. */
export interface EventStreamOptions {
  /** Silence after which a comment is sent. */
  readonly pingMs: number
  /** Called once with the fault that ended the stream, if one did. */
  readonly onError: (error: AppError) => void
  /** Called when the client leaves. */
  readonly onCancel: () => void
}

/** What clients and proxies need to hear so that nothing is held back, stored or rewritten. */
export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const

const encoder = new TextEncoder()
const PING = encoder.encode(': ping\n\n')
const DONE = encoder.encode('data: [DONE]\n\n')

/**
 * Sends values as server-sent events, then `[DONE]`. A fault after the first byte is an event with an `error` object,
 * and no `[DONE]` follows it.
 *
 * A value that is undefined is sent as a comment: to write is the only way to notice that a client has left.
 *
 * Only `data:` fields and comments are sent: `id:`, `retry:` and events without data make some clients fail.
 */
export function eventStream(
  values: AsyncGenerator<unknown, void>,
  { pingMs, onError, onCancel }: EventStreamOptions,
): ReadableStream<Uint8Array> {
  let next: Promise<IteratorResult<unknown, void>> | undefined
  return new ReadableStream({
    async pull(controller) {
      next ??= values.next()
      try {
        const result = await orSilence(next, pingMs)
        if (result === 'silence') {
          controller.enqueue(PING)
          return
        }
        next = undefined
        if (result.done !== true) {
          controller.enqueue(result.value === undefined ? PING : dataEvent(result.value))
          return
        }
        controller.enqueue(DONE)
        controller.close()
      } catch (thrown) {
        const error = AppError.from(thrown)
        onError(error)
        controller.enqueue(dataEvent(openAiError(error)))
        controller.close()
      }
    },
    async cancel() {
      onCancel()
      await values.return().catch(() => undefined) // nobody is left to hear of a fault
    },
  })
}

function dataEvent(value: unknown): Uint8Array {
  return encoder.encode(encodeSseEvent({ data: JSON.stringify(value) }))
}

/** Waits for the promise, or until nothing has come for so long. */
export async function orSilence<T>(promise: Promise<T>, ms: number): Promise<T | 'silence'> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const silence = new Promise<'silence'>((resolve) => {
    timer = setTimeout(resolve, ms, 'silence')
  })
  try {
    return await Promise.race([promise, silence])
  } finally {
    clearTimeout(timer)
  }
}
