import type { AnswerCounts, AnswerEvent } from './read-answer.ts'

/** Everything of an answer but its cost. */
export type AnswerStep = Exclude<AnswerEvent, { type: 'done' }>

/** Writes an answer down in the form of one API. */
export interface AnswerWriter<S> {
  /** @returns what a stream tells of it */
  take(step: AnswerStep): Iterable<S>
}

/** Writes the whole answer. @returns what it cost. @throws what the answer throws */
export async function writeAnswer(
  events: AsyncIterable<AnswerEvent>,
  writer: AnswerWriter<unknown>,
): Promise<AnswerCounts> {
  for await (const event of events) {
    if (event.type === 'done') return event.counts
    for (const _ of writer.take(event)); // what a stream would tell
  }
  throw unended()
}

/**
 * What a stream tells of an answer while it is written. Undefined is a step that shows nothing.
 *
 * @returns what the answer cost
 * @throws what the answer throws
 */
export async function* streamAnswer<S>(
  events: AsyncIterable<AnswerEvent>,
  writer: AnswerWriter<S>,
): AsyncGenerator<S | undefined, AnswerCounts> {
  for await (const event of events) {
    if (event.type === 'done') return event.counts
    let isSilent = true
    for (const told of writer.take(event)) {
      isSilent = false
      yield told
    }
    if (isSilent) yield undefined
  }
  throw unended()
}

function unended(): Error {
  return new Error('an answer ended without its end event')
}
