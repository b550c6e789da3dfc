import { AppError } from '@loupe/shared/errors'
import type { AnthropicEvent, AnthropicMessage } from '@loupe/shared/schema'
import type { RunningAnswer } from '../chat/start-answer.ts'
import { anthropicError } from './error-reply.ts'
import type { MessageWriter } from './message-writer.ts'

/** An answer, and who writes it down. */
export interface MessageMaking {
  readonly answer: Pick<RunningAnswer, 'events'>
  readonly writer: MessageWriter
}

/** Waits for the whole message. @throws what the answer throws */
export async function collectMessage({ answer, writer }: MessageMaking): Promise<AnthropicMessage> {
  for await (const event of answer.events) {
    if (event.type === 'done') return writer.finish(event.counts)
    for (const _ of writer.take(event)); // the steps are what a stream would tell
  }
  throw new Error('an answer ended without its end event')
}

/** Says nothing, as Anthropic's streams do behind their first event and in silence. */
export const PING = { type: 'ping' } as const satisfies AnthropicEvent

/** Who is told of a fault, and how the request is called. */
interface StreamOptions {
  readonly requestId: string
  /** Called once with the fault that ended the stream, if one did. */
  readonly onError: (error: AppError) => void
}

/** The events of a streamed message. Undefined is a step that shows nothing. A fault is an event, too, and the last one. */
export async function* streamMessage(
  { answer, writer }: MessageMaking,
  { requestId, onError }: StreamOptions,
): AsyncGenerator<AnthropicEvent | undefined, void> {
  yield writer.begin()
  yield PING
  try {
    for await (const event of answer.events) {
      if (event.type === 'done') {
        yield* writer.finalEvents(event.counts)
        return
      }
      let isSilent = true
      for (const step of writer.take(event)) {
        isSilent = false
        yield step
      }
      if (isSilent) yield undefined
    }
    throw new Error('an answer ended without its end event')
  } catch (thrown) {
    const error = AppError.from(thrown)
    onError(error)
    yield anthropicError(error, requestId)
  }
}
