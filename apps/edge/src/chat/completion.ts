import type { ChatCompletion, ChatCompletionChunk, Usage } from '@loupe/shared/schema'
import type { AnswerCounts } from './read-answer.ts'
import type { RunningAnswer } from './start-answer.ts'

/** What is the same in every part of a reply. */
export interface CompletionIdentity {
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
}

/** Which usage a stream tells. */
export interface StreamUsage {
  /** In a last chunk. */
  readonly includeUsage: boolean
  /** In every chunk, as far as it is known. */
  readonly continuousUsage: boolean
}

/** Waits for the whole answer. @throws what the answer throws */
export async function collectCompletion(
  answer: RunningAnswer,
  { id, created }: CompletionIdentity,
): Promise<ChatCompletion> {
  let content = ''
  for await (const event of answer.events) {
    if (event.type === 'text') {
      content += event.text
      continue
    }
    const message = { role: 'assistant', content, refusal: null } as const
    const choices = [{ index: 0, message, logprobs: null, finish_reason: event.finishReason }]
    const usage = usageOf(answer, event.counts)
    return { id, object: 'chat.completion', created, model: answer.model, choices, usage }
  }
  throw new Error('an answer ended without its end event')
}

/**
 * The chunks of a streamed answer: the role, the text, the reason of the end, and the usage where it was asked for.
 * Undefined is a step that shows nothing: half a character, part of a stop string, a control token.
 *
 * @throws what the answer throws
 */
export async function* streamCompletion(
  answer: RunningAnswer,
  { id, created }: CompletionIdentity,
  { includeUsage, continuousUsage }: StreamUsage,
): AsyncGenerator<ChatCompletionChunk | undefined, void> {
  type Choice = ChatCompletionChunk['choices'][number]
  const chunk = (
    delta: Choice['delta'],
    finish_reason: Choice['finish_reason'],
    completionTokens: number,
  ): ChatCompletionChunk => ({
    id,
    object: 'chat.completion.chunk',
    created,
    model: answer.model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    ...(continuousUsage ? { usage: runningUsage(answer, completionTokens) } : includeUsage ? { usage: null } : {}),
  })
  yield chunk({ role: 'assistant', content: '', refusal: null }, null, 0)
  for await (const event of answer.events) {
    if (event.type === 'text') {
      yield event.text === '' ? undefined : chunk({ content: event.text }, null, event.completionTokens)
      continue
    }
    const { finishReason, counts } = event
    yield chunk({}, finishReason, counts.completionTokens)
    if (includeUsage) yield { ...chunk({}, null, 0), choices: [], usage: usageOf(answer, counts) }
  }
}

function runningUsage({ promptTokens }: RunningAnswer, completionTokens: number): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  }
}

function usageOf(answer: RunningAnswer, { completionTokens, cachedTokens }: AnswerCounts): Usage {
  const details = { cached_tokens: cachedTokens, image_tokens: answer.imageTokens }
  return { ...runningUsage(answer, completionTokens), prompt_tokens_details: details }
}
