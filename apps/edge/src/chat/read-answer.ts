import type { Tokenizer } from '@loupe/shared/tokenizer'
import type { FinishReason, GenerateEvent, GenerateSummary } from '@loupe/shared/wire'
import { createStopScanner, type StopScanner } from './stop-scanner.ts'

/** Counts of one answer. */
export interface AnswerCounts {
  readonly completionTokens: number
  readonly cachedTokens: number
}

/** Text as it is made, empty for a step that shows nothing, and at the end, once, why it ended. */
export type AnswerEvent =
  | { readonly type: 'text'; readonly text: string; readonly completionTokens: number }
  | { readonly type: 'end'; readonly finishReason: FinishReason; readonly counts: AnswerCounts }

/**
 * Turns token ids into text that can be shown: characters are never cut in half, stop strings are held back and end the
 * answer. Leaving early, or a stop string, leaves `events` early too, which stops the worker.
 *
 * @throws what `events` throws
 */
export async function* readAnswer(
  events: AsyncIterable<GenerateEvent>,
  { tokenizer, stop }: { readonly tokenizer: Tokenizer; readonly stop: readonly string[] },
): AsyncGenerator<AnswerEvent, void> {
  const decoder = tokenizer.streamDecoder({ skipSpecial: true })
  const scanner = createStopScanner(stop)
  let completionTokens = 0
  for await (const event of events) {
    if (event.type === 'done') {
      yield* lastEvents(event.summary, scanner, decoder.flush())
      return
    }
    completionTokens += event.ids.length
    const { text, stopped } = scanner.push(event.ids.map((id) => decoder.push(id)).join(''))
    if (text !== '' || !stopped) yield { type: 'text', text, completionTokens }
    if (!stopped) continue
    // The worker tells what it found in its cache only at its own end, which nobody waits for now.
    yield { type: 'end', finishReason: 'stop', counts: { completionTokens, cachedTokens: 0 } }
    return
  }
}

function* lastEvents(summary: GenerateSummary, scanner: StopScanner, rest: string): Generator<AnswerEvent, void> {
  const counts = { completionTokens: summary.completion_tokens, cachedTokens: summary.cached_tokens }
  const { text, stopped } = scanner.push(rest)
  const shown = stopped ? text : text + scanner.flush()
  if (shown !== '') yield { type: 'text', text: shown, completionTokens: counts.completionTokens }
  yield { type: 'end', finishReason: stopped ? 'stop' : summary.finish_reason, counts }
}
