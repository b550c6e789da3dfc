import type { CompletionLogprobs, TextCompletion, Usage } from '@loupe/shared/schema'
import type { CompletionIdentity, StreamUsage } from '../chat/completion.ts'
import type { AnswerEvent } from '../chat/read-answer.ts'
import { LogprobLists } from './logprob-lists.ts'
import type { RunningCompletion } from './start-completion.ts'

type Choice = TextCompletion['choices'][number]
type Lists = NonNullable<CompletionLogprobs>

/** What is written of one choice. */
interface Told {
  readonly index: number
  readonly text: string
  readonly logprobs: CompletionLogprobs
  readonly finishReason: Choice['finish_reason']
}

/** Waits for all answers. @throws what an answer throws */
export async function collectCompletion(
  answer: RunningCompletion,
  identity: CompletionIdentity,
): Promise<TextCompletion> {
  const counter = new TokenCounter(answer)
  const choices = answer.echoes.flatMap((echo, prompt) => {
    return Array.from({ length: answer.choices }, (_, choice) =>
      emptyChoice(answer, prompt * answer.choices + choice, echo),
    )
  })
  for await (const told of tell(answer, counter)) {
    const choice = choices[told.index]
    if (choice === undefined) continue
    choice.text += told.text
    choice.logprobs = joined(choice.logprobs, told.logprobs)
    choice.finish_reason = told.finishReason ?? choice.finish_reason
  }
  return { ...head(answer, identity), choices, usage: counter.usage() }
}

/**
 * The chunks of streamed answers: the prompts where they are asked for, the texts, the reasons of the ends, and the usage.
 * Undefined is a step that shows nothing.
 *
 * @throws what an answer throws
 */
export async function* streamCompletion(
  answer: RunningCompletion,
  identity: CompletionIdentity,
  { includeUsage, continuousUsage }: StreamUsage,
): AsyncGenerator<TextCompletion | undefined, void> {
  const counter = new TokenCounter(answer)
  const chunk = ({ index, text, logprobs, finishReason }: Told): TextCompletion => ({
    ...head(answer, identity),
    choices: [{ index, text, logprobs, finish_reason: finishReason }],
    ...(continuousUsage ? { usage: counter.running() } : includeUsage ? { usage: null } : {}),
  })
  for (const [prompt, echo] of answer.echoes.entries()) {
    for (let choice = 0; echo !== '' && choice < answer.choices; choice++) {
      yield chunk({ index: prompt * answer.choices + choice, text: echo, logprobs: null, finishReason: null })
    }
  }
  for await (const told of tell(answer, counter)) {
    const isEmpty = told.text === '' && told.finishReason === null && (told.logprobs?.tokens.length ?? 0) === 0
    yield isEmpty ? undefined : chunk(told)
  }
  if (includeUsage) yield { ...head(answer, identity), choices: [], usage: counter.usage() }
}

/** The events of all answers as what they are for their choices. */
async function* tell(answer: RunningCompletion, counter: TokenCounter): AsyncGenerator<Told, void> {
  const lists = new Map<number, LogprobLists>()
  const logprobsOf = (index: number, tokens: Extract<AnswerEvent, { type: 'text' }>['logprobs']) => {
    if (!answer.tellsLogprobs) return null
    const written = lists.get(index) ?? new LogprobLists(answer.tokenizer)
    lists.set(index, written)
    return written.take(tokens)
  }
  for await (const { prompt, event } of answer.events) {
    counter.take(prompt, event)
    if (event.type !== 'text' && event.type !== 'end') continue
    const index = prompt * answer.choices + event.choice
    if (event.type === 'text') {
      yield { index, text: event.text, logprobs: logprobsOf(index, event.logprobs), finishReason: null }
    } else {
      const finishReason = event.finishReason === 'length' ? 'length' : 'stop'
      yield { index, text: '', logprobs: null, finishReason }
    }
  }
}

function head({ model, fingerprint }: RunningCompletion, { id, created }: CompletionIdentity) {
  return { id, object: 'text_completion', created, model, system_fingerprint: fingerprint } as const
}

function emptyChoice({ tellsLogprobs }: RunningCompletion, index: number, text: string): Choice {
  const none = { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] }
  return { index, text, logprobs: tellsLogprobs ? none : null, finish_reason: null }
}

function joined(before: CompletionLogprobs, more: CompletionLogprobs): Lists | null {
  if (before === null || more === null) return before
  return {
    tokens: [...before.tokens, ...more.tokens],
    token_logprobs: [...before.token_logprobs, ...more.token_logprobs],
    top_logprobs: [...before.top_logprobs, ...more.top_logprobs],
    text_offset: [...before.text_offset, ...more.text_offset],
  }
}

/** Counts the tokens of several answers. */
class TokenCounter {
  readonly #promptTokens: number
  readonly #completionTokens: number[] = []
  #cachedTokens = 0

  constructor({ promptTokens }: RunningCompletion) {
    this.#promptTokens = promptTokens
  }

  take(prompt: number, event: AnswerEvent): void {
    const tokens = event.type === 'done' ? event.counts.completionTokens : event.completionTokens
    this.#completionTokens[prompt] = tokens
    if (event.type === 'done') this.#cachedTokens += event.counts.cachedTokens
  }

  running(): Usage {
    const completionTokens = this.#completionTokens.reduce((sum, tokens) => sum + tokens, 0)
    return {
      prompt_tokens: this.#promptTokens,
      completion_tokens: completionTokens,
      total_tokens: this.#promptTokens + completionTokens,
    }
  }

  usage(): Usage {
    return { ...this.running(), prompt_tokens_details: { cached_tokens: this.#cachedTokens, image_tokens: 0 } }
  }
}
