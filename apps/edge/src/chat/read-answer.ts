import { AppError } from '@loupe/shared/errors'
import type { FinishReason, GenerateEvent, GenerateSummary } from '@loupe/shared/wire'
import type { CallPiece } from './call-splitter.ts'
import { type ChoiceOptions, ChoiceReader, type Shown, type TokenLogprobs } from './choice-reader.ts'

/** Counts of one request. */
export interface AnswerCounts {
  /** Of all answers. */
  readonly completionTokens: number
  readonly cachedTokens: number
}

/** Why an answer ended. `tool_calls`: it is one or more calls, each of them whole. */
export type AnswerEnd = FinishReason | 'tool_calls'

/**
 * Text as it is made, empty for a step that shows nothing; calls of functions, each with its arguments in pieces; the end
 * of each answer; and at the end, once, what it cost.
 */
export type AnswerEvent =
  | {
      readonly type: 'text'
      /** Which of several answers, from 0. */
      readonly choice: number
      readonly text: string
      /** How likely the tokens of the text were; empty unless it was asked for. */
      readonly logprobs: TokenLogprobs
      /** Of all answers so far. */
      readonly completionTokens: number
    }
  | {
      readonly type: 'tool_call'
      readonly choice: number
      /** Which of several calls of the answer, from 0. */
      readonly index: number
      readonly id: string
      /** Of the function. */
      readonly name: string
      readonly completionTokens: number
    }
  | {
      readonly type: 'tool_arguments'
      readonly choice: number
      /** Of the call, which was told before. */
      readonly index: number
      /** The next piece of the JSON text. */
      readonly text: string
      readonly completionTokens: number
    }
  | {
      readonly type: 'end'
      readonly choice: number
      readonly finishReason: AnswerEnd
      /** The stop string that ended it, if one did. */
      readonly stop?: string
      readonly completionTokens: number
    }
  | { readonly type: 'done'; readonly counts: AnswerCounts }

/** How the answers to a request are read. */
export interface ReadOptions extends ChoiceOptions {
  /** How many answers there are. */
  readonly choices: number
}

/**
 * Turns token ids into text and calls that can be shown: characters are never cut in half, stop strings are held back
 * and end an answer. Leaving early, or stop strings in all answers, leaves `events` early too, which stops the worker.
 *
 * @throws what `events` throws, or `worker.lost` for an answer that nobody asked for
 */
export async function* readAnswer(
  events: AsyncIterable<GenerateEvent>,
  options: ReadOptions,
): AsyncGenerator<AnswerEvent, void> {
  const answers = new OpenAnswers(options)
  for await (const event of events) {
    yield* answers.take(event)
    if (answers.areOver) return
  }
}

type Tokens = Extract<GenerateEvent, { type: 'tokens' }>

/** The answers of one request, until all of them have ended. */
class OpenAnswers {
  readonly #open: Map<number, ChoiceReader>
  readonly #choices: number
  #completionTokens = 0
  #cachedTokens = 0
  #isCut = false
  areOver = false

  constructor(options: ReadOptions) {
    const indices = Array.from({ length: options.choices }, (_, choice) => choice)
    this.#open = new Map(indices.map((choice) => [choice, new ChoiceReader(options)]))
    this.#choices = options.choices
  }

  *take(event: GenerateEvent): Generator<AnswerEvent, void> {
    if (event.type === 'done') {
      yield* this.#closeAll(event.summary)
      return
    }
    const { choice = 0 } = event
    if (choice >= this.#choices) {
      throw new AppError('worker.lost', `The worker sent answer ${choice}, expected fewer than ${this.#choices}.`)
    }
    const reader = this.#open.get(choice)
    // The worker goes on with an answer that a stop string has ended, beside others.
    if (reader === undefined) return
    if (event.type === 'end') yield* this.#close(choice, reader, event.summary.finish_reason)
    else yield* this.#show(choice, reader, event)
  }

  *#show(choice: number, reader: ChoiceReader, tokens: Tokens): Generator<AnswerEvent, void> {
    this.#completionTokens += tokens.ids.length
    this.#cachedTokens = Math.max(this.#cachedTokens, tokens.cachedTokens ?? 0)
    const shown = reader.push(tokens)
    yield* this.#calls(choice, shown.calls)
    // A step that shows nothing is told, too: whoever writes it notices that a client has left.
    if (!isEmpty(shown) || !(shown.stopped || shown.calls.length > 0)) yield this.#text(choice, shown)
    if (!shown.stopped) return
    this.#isCut = true
    yield this.#end(choice, 'stop', shown.stop)
    // Nobody waits for the worker's own end now.
    if (this.#open.size === 0) yield this.#done(this.#completionTokens, this.#cachedTokens)
  }

  /** What was held back of an answer, and its end. */
  *#close(choice: number, reader: ChoiceReader, reason: FinishReason): Generator<AnswerEvent, void> {
    const shown = reader.flush()
    yield* this.#calls(choice, shown.calls)
    if (!isEmpty(shown)) yield this.#text(choice, shown)
    const end = reader.isWholeCall ? 'tool_calls' : shown.stopped ? 'stop' : reason
    yield this.#end(choice, end, end === 'stop' ? shown.stop : undefined)
  }

  *#closeAll(summary: GenerateSummary): Generator<AnswerEvent, void> {
    for (const [choice, reader] of this.#open) {
      yield* this.#close(choice, reader, summary.choices?.[choice]?.finish_reason ?? summary.finish_reason)
    }
    const all = this.#isCut ? this.#completionTokens : summary.completion_tokens
    yield this.#done(all, summary.cached_tokens)
  }

  #text(choice: number, { text, logprobs }: Shown): AnswerEvent {
    return { type: 'text', choice, text, logprobs, completionTokens: this.#completionTokens }
  }

  *#calls(choice: number, pieces: readonly CallPiece[]): Generator<AnswerEvent, void> {
    const completionTokens = this.#completionTokens
    for (const piece of pieces) {
      const { index } = piece
      if (piece.type === 'call') {
        yield { type: 'tool_call', choice, index, id: callId(), name: piece.name, completionTokens }
      } else yield { type: 'tool_arguments', choice, index, text: piece.text, completionTokens }
    }
  }

  #end(choice: number, finishReason: AnswerEnd, stop?: string): AnswerEvent {
    this.#open.delete(choice)
    const end = { type: 'end', choice, finishReason, completionTokens: this.#completionTokens } as const
    return stop === undefined ? end : { ...end, stop }
  }

  #done(completionTokens: number, cachedTokens: number): AnswerEvent {
    this.areOver = true
    return { type: 'done', counts: { completionTokens, cachedTokens } }
  }
}

function isEmpty({ text, logprobs }: Shown): boolean {
  return text === '' && logprobs.length === 0
}

/** Nobody else's call has it: clients keep calls of several requests together. */
function callId(): string {
  return `call_${crypto.randomUUID().replaceAll('-', '').slice(0, 24)}`
}
