import type { OutputItem, ResponseEvent, ResponseObject } from '@loupe/shared/schema'
import type { TokenLogprobs } from '../chat/choice-reader.ts'
import type { AnswerCounts } from '../chat/read-answer.ts'
import type { AnswerStep } from '../chat/written-answer.ts'

type Unnumbered<T> = T extends unknown ? Omit<T, 'sequence_number'> : never

/** An event before it has its number. */
export type ResponseStep = Unnumbered<ResponseEvent>

type Message = Extract<OutputItem, { type: 'message' }>
type Call = Extract<OutputItem, { type: 'function_call' }>
type TextPart = Extract<Message['content'][number], { type: 'output_text' }>

/** The item that is being written. */
type Open =
  | { readonly type: 'message'; readonly id: string; text: string; readonly logprobs: TokenLogprobs }
  | {
      readonly type: 'function_call'
      readonly id: string
      readonly callId: string
      readonly name: string
      text: string
    }

/** What a writer works with. */
export interface ResponseWriterOptions {
  /** The response before anything of it is there. */
  readonly draft: ResponseObject
  readonly promptTokens: number
  readonly imageTokens: number
  readonly makeId: (prefix: 'msg' | 'fc') => string
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
}

/** Writes a response while its answer is made, streamed and not in the same way. */
export class ResponseWriter {
  readonly #options: ResponseWriterOptions
  readonly #output: OutputItem[] = []
  #open: Open | undefined
  #isCut = false

  constructor(options: ResponseWriterOptions) {
    this.#options = options
  }

  /** The first two events. */
  begin(): ResponseStep[] {
    const { draft: response } = this.#options
    return [
      { type: 'response.created', response },
      { type: 'response.in_progress', response },
    ]
  }

  /** What an event of the answer is here. None for a step that shows nothing. */
  *take(event: AnswerStep): Generator<ResponseStep, void> {
    switch (event.type) {
      case 'text':
        if (event.text !== '' || event.logprobs.length > 0) yield* this.#write(event.text, event.logprobs)
        return
      case 'tool_call':
        yield* this.#close('completed')
        yield* this.#openCall(event.id, event.name)
        return
      case 'tool_arguments':
        yield* this.#writeArguments(event.text)
        return
      case 'end':
        this.#isCut = event.finishReason === 'length'
        // An answer of nothing is an empty message, not an empty list: clients look for one.
        if (this.#open === undefined && this.#output.length === 0) yield* this.#openMessage()
        yield* this.#close(this.#isCut ? 'incomplete' : 'completed')
    }
  }

  /** The whole response. */
  finish(counts: AnswerCounts): ResponseObject {
    const { draft, nowMs } = this.#options
    return {
      ...draft,
      status: this.#isCut ? 'incomplete' : 'completed',
      completed_at: this.#isCut ? null : Math.floor(nowMs() / 1000),
      incomplete_details: this.#isCut ? { reason: 'max_output_tokens' } : null,
      output: this.#output,
      usage: this.#usage(counts),
    }
  }

  /** The response as it is when a fault ends it: what was written of the open item is in it. */
  fail(message: string): ResponseObject {
    const output = this.#open === undefined ? this.#output : [...this.#output, writtenItem(this.#open, 'incomplete')]
    return { ...this.#options.draft, status: 'failed', error: { code: 'server_error', message }, output }
  }

  #usage({ completionTokens, cachedTokens }: AnswerCounts): ResponseObject['usage'] {
    const { promptTokens, imageTokens } = this.#options
    return {
      input_tokens: promptTokens,
      input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0, image_tokens: imageTokens },
      output_tokens: completionTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: promptTokens + completionTokens,
    }
  }

  *#write(delta: string, logprobs: TokenLogprobs): Generator<ResponseStep, void> {
    if (this.#open?.type !== 'message') {
      yield* this.#close('completed')
      yield* this.#openMessage()
    }
    if (this.#open?.type !== 'message') return
    this.#open.text += delta
    this.#open.logprobs.push(...logprobs)
    yield { type: 'response.output_text.delta', ...this.#inPart(this.#open.id), delta, logprobs }
  }

  *#writeArguments(delta: string): Generator<ResponseStep, void> {
    if (this.#open?.type !== 'function_call' || delta === '') return
    this.#open.text += delta
    const place = { output_index: this.#output.length, item_id: this.#open.id }
    yield { type: 'response.function_call_arguments.delta', ...place, delta }
  }

  *#openMessage(): Generator<ResponseStep, void> {
    const id = this.#options.makeId('msg')
    this.#open = { type: 'message', id, text: '', logprobs: [] }
    const item: Message = { id, type: 'message', status: 'in_progress', role: 'assistant', content: [] }
    yield { type: 'response.output_item.added', output_index: this.#output.length, item }
    yield { type: 'response.content_part.added', ...this.#inPart(id), part: textPart('', []) }
  }

  *#openCall(callId: string, name: string): Generator<ResponseStep, void> {
    const open: Open = { type: 'function_call', id: this.#options.makeId('fc'), callId, name, text: '' }
    this.#open = open
    const item = writtenItem(open, 'in_progress')
    yield { type: 'response.output_item.added', output_index: this.#output.length, item }
  }

  *#close(status: 'completed' | 'incomplete'): Generator<ResponseStep, void> {
    const open = this.#open
    if (open === undefined) return
    const { id, text } = open
    const place = { output_index: this.#output.length, item_id: id }
    if (open.type === 'message') {
      const { logprobs } = open
      yield { type: 'response.output_text.done', ...this.#inPart(id), text, logprobs }
      yield { type: 'response.content_part.done', ...this.#inPart(id), part: textPart(text, logprobs) }
    } else {
      yield { type: 'response.function_call_arguments.done', ...place, name: open.name, arguments: text }
    }
    const item = writtenItem(open, status)
    this.#open = undefined
    this.#output.push(item)
    yield { type: 'response.output_item.done', output_index: place.output_index, item }
  }

  #inPart(id: string) {
    return { output_index: this.#output.length, item_id: id, content_index: 0 } as const
  }
}

function writtenItem(open: Open, status: OutputItem['status']): OutputItem {
  const { id, text } = open
  if (open.type === 'function_call') {
    return { id, type: open.type, status, call_id: open.callId, name: open.name, arguments: text } satisfies Call
  }
  return { id, type: open.type, status, role: 'assistant', content: [textPart(text, open.logprobs)] }
}

function textPart(text: string, logprobs: TokenLogprobs): TextPart {
  return { type: 'output_text', text, annotations: [], logprobs: [...logprobs] }
}
