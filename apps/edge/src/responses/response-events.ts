import { AppError, openAiError } from '@loupe/shared/errors'
import type { ResponseEvent, ResponseObject } from '@loupe/shared/schema'
import type { RunningAnswer } from '../chat/start-answer.ts'
import { streamAnswer, writeAnswer } from '../chat/written-answer.ts'
import type { ResponseStep, ResponseWriter } from './response-writer.ts'

/** What a response is made with. */
export interface ResponseMaking {
  readonly answer: Pick<RunningAnswer, 'events'>
  readonly writer: ResponseWriter
  /** Stores the whole response, before anybody hears that it is whole. @returns it as it is told */
  readonly keep: (response: ResponseObject) => Promise<ResponseObject>
}

/** Waits for the whole response. @throws what the answer throws; nothing is stored then */
export async function collectResponse({ answer, writer, keep }: ResponseMaking): Promise<ResponseObject> {
  return keep(writer.finish(await writeAnswer(answer.events, writer)))
}

/**
 * The events of a streamed response, numbered. Undefined is a step that shows nothing.
 *
 * A fault is an `error` event and a `response.failed` with what was written until then; nothing is stored.
 *
 * @param onError - called once with the fault that ended the stream, if one did
 */
export async function* streamResponse(
  making: ResponseMaking,
  onError: (error: AppError) => void,
): AsyncGenerator<ResponseEvent | undefined, void> {
  let number = 0
  for await (const step of responseSteps(making, onError)) {
    if (step === undefined) yield undefined
    else yield { ...step, sequence_number: number++ }
  }
}

async function* responseSteps(
  { answer, writer, keep }: ResponseMaking,
  onError: (error: AppError) => void,
): AsyncGenerator<ResponseStep | undefined, void> {
  yield* writer.begin()
  try {
    const response = await keep(writer.finish(yield* streamAnswer(answer.events, writer)))
    yield { type: response.status === 'incomplete' ? 'response.incomplete' : 'response.completed', response }
  } catch (thrown) {
    const error = AppError.from(thrown)
    onError(error)
    const { code, message, param } = openAiError(error).error
    yield { type: 'error', code, message, param }
    yield { type: 'response.failed', response: writer.fail(message) }
  }
}
