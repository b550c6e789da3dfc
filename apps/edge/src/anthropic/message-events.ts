import { AppError } from '@loupe/shared/errors'
import type { AnthropicEvent, AnthropicMessage } from '@loupe/shared/schema'
import type { RunningAnswer } from '../chat/start-answer.ts'
import { streamAnswer, writeAnswer } from '../chat/written-answer.ts'
import { anthropicError } from './error-reply.ts'
import type { MessageWriter } from './message-writer.ts'

/** An answer, and who writes it down. */
export interface MessageMaking {
  readonly answer: Pick<RunningAnswer, 'events'>
  readonly writer: MessageWriter
}

/** Waits for the whole message. @throws what the answer throws */
export async function collectMessage({ answer, writer }: MessageMaking): Promise<AnthropicMessage> {
  return writer.finish(await writeAnswer(answer.events, writer))
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
    yield* writer.finalEvents(yield* streamAnswer(answer.events, writer))
  } catch (thrown) {
    const error = AppError.from(thrown)
    onError(error)
    yield anthropicError(error, requestId)
  }
}
