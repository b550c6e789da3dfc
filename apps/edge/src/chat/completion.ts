import type { ChatCompletion, ChatCompletionChunk, ChatToolCall, Logprobs, Usage } from '@loupe/shared/schema'
import type { TokenLogprobs } from './choice-reader.ts'
import type { AnswerCounts, AnswerEnd, AnswerEvent } from './read-answer.ts'
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
export async function collectCompletion(answer: RunningAnswer, identity: CompletionIdentity): Promise<ChatCompletion> {
  const drafts = Array.from({ length: answer.choices }, () => new ChoiceDraft())
  for await (const event of answer.events) {
    if (event.type !== 'done') {
      drafts[event.choice]?.add(event)
      continue
    }
    const object = 'chat.completion'
    const choices = drafts.map((draft, index) => draft.choice(index, answer))
    const usage = usageOf(answer, event.counts)
    return { ...identity, object, model: answer.model, choices, usage, ...circumstances(answer) }
  }
  throw new Error('an answer ended without its end event')
}

/** One answer while its parts come in. */
class ChoiceDraft {
  #text = ''
  #end: AnswerEnd = 'stop'
  readonly #logprobs: TokenLogprobs[number][] = []
  readonly #calls: ChatToolCall[] = []

  add(event: Exclude<AnswerEvent, { type: 'done' }>): void {
    switch (event.type) {
      case 'text':
        this.#text += event.text
        this.#logprobs.push(...event.logprobs)
        return
      case 'tool_call':
        this.#calls[event.index] = { id: event.id, type: 'function', function: { name: event.name, arguments: '' } }
        return
      case 'tool_arguments': {
        const call = this.#calls[event.index]
        if (call !== undefined) call.function.arguments += event.text
        return
      }
      case 'end':
        this.#end = event.finishReason
    }
  }

  choice(index: number, answer: RunningAnswer): Choice {
    const calls = this.#calls
    const content = this.#text === '' && calls.length > 0 ? null : this.#text
    const message = { role: 'assistant', content, refusal: null } as const
    return {
      index,
      message: calls.length === 0 ? message : { ...message, tool_calls: calls },
      logprobs: logprobsOf(answer, this.#logprobs),
      finish_reason: this.#end,
    }
  }
}

/**
 * The chunks of a streamed answer: the roles, the texts and calls, the reasons of the ends, and the usage where it was
 * asked for. Undefined is a step that shows nothing: half a character, part of a stop string, a control token.
 *
 * @throws what the answer throws
 */
export async function* streamCompletion(
  answer: RunningAnswer,
  identity: CompletionIdentity,
  { includeUsage, continuousUsage }: StreamUsage,
): AsyncGenerator<ChatCompletionChunk | undefined, void> {
  const chunk = (choice: ChunkChoice, completionTokens: number): ChatCompletionChunk => ({
    ...identity,
    object: 'chat.completion.chunk',
    model: answer.model,
    choices: [choice],
    ...circumstances(answer),
    ...(continuousUsage ? { usage: runningUsage(answer, completionTokens) } : includeUsage ? { usage: null } : {}),
  })
  for (let index = 0; index < answer.choices; index++) {
    yield chunk({ index, delta: { role: 'assistant', content: '', refusal: null }, ...NOTHING }, 0)
  }
  for await (const event of answer.events) {
    if (event.type === 'done') {
      const last = chunk({ index: 0, delta: {}, ...NOTHING }, 0)
      if (includeUsage) yield { ...last, choices: [], usage: usageOf(answer, event.counts) }
      continue
    }
    const told = chunkChoice(answer, event)
    yield told === undefined ? undefined : chunk(told, event.completionTokens)
  }
}

const NOTHING = { logprobs: null, finish_reason: null }

/** What a chunk tells of one answer. */
function chunkChoice(answer: RunningAnswer, event: Exclude<AnswerEvent, { type: 'done' }>): ChunkChoice | undefined {
  const { choice: index } = event
  switch (event.type) {
    case 'text': {
      const { text, logprobs } = event
      if (text === '' && logprobs.length === 0) return undefined
      return { index, delta: { content: text }, logprobs: logprobsOf(answer, logprobs), finish_reason: null }
    }
    case 'tool_call': {
      const { index: at, id, name } = event
      const call = { index: at, id, type: 'function', function: { name, arguments: '' } } as const
      return { index, delta: { tool_calls: [call] }, ...NOTHING }
    }
    case 'tool_arguments':
      return {
        index,
        delta: { tool_calls: [{ index: event.index, function: { arguments: event.text } }] },
        ...NOTHING,
      }
    case 'end':
      return { index, delta: {}, logprobs: null, finish_reason: event.finishReason }
  }
}

function circumstances({ fingerprint, serviceTier }: RunningAnswer) {
  return { system_fingerprint: fingerprint, ...(serviceTier === undefined ? {} : { service_tier: serviceTier }) }
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
