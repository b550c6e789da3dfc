import { AppError } from '@loupe/shared/errors'
import type { GenerateEvent, GenerateResponse, LikelyToken } from '@loupe/shared/wire'

type Tokens = Extract<GenerateEvent, { type: 'tokens' }>

/**
 * Waits for the whole answer.
 *
 * @returns the answer as `infer` gives it: several stand one behind the other
 * @throws AppError what the answer throws
 */
export async function collectAnswer(
  events: AsyncIterable<GenerateEvent>,
): Promise<Omit<GenerateResponse, 'model_name' | 'id'>> {
  const parts: Tokens[] = []
  for await (const event of events) {
    if (event.type === 'tokens') parts.push(event)
    if (event.type === 'done') return { ...joined(parts), summary: event.summary }
  }
  throw new AppError('internal', 'An answer ended without a summary.')
}

function joined(parts: readonly Tokens[]): Omit<GenerateResponse, 'model_name' | 'id' | 'summary'> {
  const ordered = parts.toSorted((a, b) => (a.choice ?? 0) - (b.choice ?? 0))
  const logprobs = ordered.flatMap((part) => part.logprobs ?? [])
  const top = ordered.flatMap((part): readonly LikelyToken[] => (part.topLogprobs ?? []).flat())
  return {
    outputIds: Int32Array.from(ordered.flatMap(({ ids }) => ids)),
    ...(logprobs.length === 0 ? {} : { logprobs: Float32Array.from(logprobs) }),
    ...(top.length === 0
      ? {}
      : {
          topIds: Int32Array.from(top, ({ id }) => id),
          topLogprobs: Float32Array.from(top, ({ logprob }) => logprob),
        }),
  }
}
