import { encodeSseEvent } from '@loupe/shared/wire'
import { orSilence } from '../chat/event-stream.ts'

/** An event that is sent under the name of its type. */
interface NamedEvent {
  readonly type: string
}

/** How a stream of named events is sent. */
export interface NamedEventStreamOptions<T> {
  /** Silence after which a comment is sent, or `ping`. */
  readonly pingMs: number
  /** An event that says nothing, where the API has one. */
  readonly ping?: T
  /** Called when the client leaves. */
  readonly onCancel: () => void
}

const encoder = new TextEncoder()
const PING = encoder.encode(': ping\n\n')

/**
 * Sends events, each under the name of its type. The last of them ends the stream: no `[DONE]` follows.
 *
 * A value that is undefined is sent as a comment: to write is the only way to notice that a client has left.
 *
 * @param events - never throws: a fault is an event
 */
export function namedEventStream<T extends NamedEvent>(
  events: AsyncGenerator<T | undefined, void>,
  { pingMs, ping, onCancel }: NamedEventStreamOptions<T>,
): ReadableStream<Uint8Array> {
  let next: Promise<IteratorResult<T | undefined, void>> | undefined
  return new ReadableStream({
    async pull(controller) {
      next ??= events.next()
      const result = await orSilence(next, pingMs)
      if (result === 'silence') {
        controller.enqueue(ping === undefined ? PING : named(ping))
        return
      }
      next = undefined
      if (result.done === true) controller.close()
      else controller.enqueue(result.value === undefined ? PING : named(result.value))
    },
    async cancel() {
      onCancel()
      await events.return().catch(() => undefined) // nobody is left to hear of a fault
    },
  })
}

function named(event: NamedEvent): Uint8Array {
  return encoder.encode(encodeSseEvent({ event: event.type, data: JSON.stringify(event) }))
}
