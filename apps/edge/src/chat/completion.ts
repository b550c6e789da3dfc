import type { ChatCompletion, ChatCompletionChunk, Logprobs, Usage } from '@loupe/shared/schema'
import type { TokenLogprobs } from './choice-reader.ts'
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

type Choice = ChatCompletion['choices'][number]
type ChunkChoice = ChatCompletionChunk['choices'][number]

/** Waits for the whole answer. @throws what the answer throws */
export async function collectCompletion(
  answer: RunningAnswer,
  { id, created }: CompletionIdentity,
): Promise<ChatCompletion> {
  const texts = new Array<string>(answer.choices).fill('')
  const logprobs: TokenLogprobs[] = texts.map(() => [])
  const choices: Choice[] = []
  for await (const event of answer.events) {
    if (event.type === 'text') {
      texts[event.choice] += event.text
      logprobs[event.choice]?.push(...event.logprobs)
    } else if (event.type === 'end') {
      const { choice: index, finishReason } = event
      const message = { role: 'assistant', content: texts[index] ?? '', refusal: null } as const
      choices[index] = {
        index,
        message,
        logprobs: logprobsOf(answer, logprobs[index] ?? []),
        finish_reason: finishReason,
      }
    } else {
      const usage = usageOf(answer, event.counts)
      return { id, object: 'chat.completion', created, model: answer.model, choices, usage }
    }
  }
  throw new Error('an answer ended without its end event')
}

/**
 * The chunks of a streamed answer: the roles, the texts, the reasons of the ends, and the usage where it was asked for.
 * Undefined is a step that shows nothing: half a character, part of a stop string, a control token.
 *
 * @throws what the answer throws
 */
export async function* streamCompletion(
  answer: RunningAnswer,
  { id, created }: CompletionIdentity,
  { includeUsage, continuousUsage }: StreamUsage,
): AsyncGenerator<ChatCompletionChunk | undefined, void> {
  const chunk = (choice: ChunkChoice, completionTokens: number): ChatCompletionChunk => ({
    id,
    object: 'chat.completion.chunk',
    created,
    model: answer.model,
    choices: [choice],
    ...(continuousUsage ? { usage: runningUsage(answer, completionTokens) } : includeUsage ? { usage: null } : {}),
  })
  const nothing = { logprobs: null, finish_reason: null }
  for (let index = 0; index < answer.choices; index++) {
    yield chunk({ index, delta: { role: 'assistant', content: '', refusal: null }, ...nothing }, 0)
  }
  for await (const event of answer.events) {
    if (event.type === 'done') {
      const last = chunk({ index: 0, delta: {}, ...nothing }, 0)
      if (includeUsage) yield { ...last, choices: [], usage: usageOf(answer, event.counts) }
      continue
    }
    const { choice: index, completionTokens } = event
    if (event.type === 'end') {
      yield chunk({ index, delta: {}, logprobs: null, finish_reason: event.finishReason }, completionTokens)
      continue
    }
    const { text, logprobs } = event
    const isEmpty = text === '' && logprobs.length === 0
    const told = { index, delta: { content: text }, logprobs: logprobsOf(answer, logprobs), finish_reason: null }
    yield isEmpty ? undefined : chunk(told, completionTokens)
  }
}

/** Null unless they were asked for, as OpenAI has it. */
function logprobsOf({ tellsLogprobs }: RunningAnswer, content: TokenLogprobs): Logprobs {
  return tellsLogprobs ? { content, refusal: null } : null
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
