import type { AnswerEvent } from '../chat/read-answer.ts'
import type { AnswerLedger, AnswerTokens, Reservation } from './answer-ledger.ts'

/** What an answer is charged to and how much it may take. */
export interface MeteredAnswer extends AnswerTokens {
  /** Nothing is counted without one. */
  readonly ledger: AnswerLedger | undefined
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/**
 * Sets tokens aside, asks the worker, and settles with what the answer has taken when it ends: by itself, by a fault, or
 * because its reader has left, also one who left before the first event.
 *
 * @param admit - asks the worker; nothing is charged when it refuses
 * @throws AppError of {@link AnswerLedger.reserve}, and what `admit` throws
 */
export async function meteredAnswer(
  { ledger, signal, ...tokens }: MeteredAnswer,
  admit: () => Promise<AsyncGenerator<AnswerEvent, void>>,
): Promise<AsyncGenerator<AnswerEvent, void>> {
  if (ledger === undefined) return admit()
  const reservation = await ledger.reserve(tokens)
  try {
    const events = await admit()
    return settling(events, { reservation, promptTokens: tokens.promptTokens, signal })
  } catch (error) {
    reservation.settle(0, true)
    throw error
  }
}

interface Settling {
  readonly reservation: Reservation
  readonly promptTokens: number
  readonly signal: AbortSignal
}

function settling(
  events: AsyncGenerator<AnswerEvent, void>,
  { reservation, promptTokens, signal }: Settling,
): AsyncGenerator<AnswerEvent, void> {
  let used = promptTokens
  // A generator that was never started runs no `finally`: the signal tells of a reader who left before the first event.
  const onAbort = () => reservation.settle(used, false)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  return (async function* () {
    let isWhole = false
    try {
      for await (const event of events) {
        used = promptTokens + (event.type === 'done' ? event.counts.completionTokens : event.completionTokens)
        isWhole = event.type === 'done'
        if (isWhole) reservation.settle(used, true)
        yield event
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      reservation.settle(used, isWhole)
    }
  })()
}
