import { AppError } from '@loupe/shared/errors'
import type { ChoiceSummary, GenerateEvent, GenerateSummary } from '@loupe/shared/wire'
import type { EngineEvent } from '../engine/engine.ts'

/** What is known of an answer before it is made. */
type Known = Pick<GenerateSummary, 'prompt_tokens' | 'image_tokens' | 'images_cached'>

/**
 * The events of an engine as the protocol has them.
 *
 * @param choices - how many answers there are
 */
export async function* answerEvents(
  events: AsyncIterable<EngineEvent>,
  known: Known,
  choices: number,
): AsyncGenerator<GenerateEvent, void> {
  const made = new Array<number>(choices).fill(0)
  const ends = new Map<number, ChoiceSummary>()
  let cachedTokens = 0
  for await (const event of events) {
    if (event.type === 'token') {
      made[event.choice] = (made[event.choice] ?? 0) + 1
      yield tokensEvent(event)
    }
    if (event.type === 'done') {
      const end = { finish_reason: event.finishReason, completion_tokens: made[event.choice] ?? 0 }
      ends.set(event.choice, end)
      cachedTokens = Math.max(cachedTokens, event.cachedTokens)
      if (choices > 1) yield { type: 'end', choice: event.choice, summary: end }
    }
  }
  yield { type: 'done', summary: summaryOf(known, { ends, choices, cachedTokens }) }
}

function tokensEvent({
  choice,
  id,
  logprob,
  topLogprobs,
  cachedTokens,
}: Extract<EngineEvent, { type: 'token' }>): GenerateEvent {
  return {
    type: 'tokens',
    choice,
    ids: [id],
    cachedTokens,
    logprobs: logprob === undefined ? undefined : [logprob],
    // Asking for none is not asking.
    topLogprobs: topLogprobs === undefined || topLogprobs.length === 0 ? undefined : [topLogprobs],
  }
}

interface Ends {
  readonly ends: ReadonlyMap<number, ChoiceSummary>
  readonly choices: number
  readonly cachedTokens: number
}

function summaryOf(known: Known, { ends, choices, cachedTokens }: Ends): GenerateSummary {
  const all = Array.from({ length: choices }, (_, choice) => {
    const end = ends.get(choice)
    if (end === undefined) throw new AppError('internal', `Answer ${choice} of ${choices} did not end.`)
    return end
  })
  return {
    ...known,
    finish_reason: all[0]?.finish_reason ?? 'stop',
    completion_tokens: all.reduce((sum, end) => sum + end.completion_tokens, 0),
    cached_tokens: cachedTokens,
    ...(choices > 1 ? { choices: all } : {}),
  }
}
