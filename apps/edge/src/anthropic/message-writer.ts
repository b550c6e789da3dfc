import type { AnthropicEvent, AnthropicMessage } from '@loupe/shared/schema'
import type { AnswerCounts } from '../chat/read-answer.ts'
import type { RunningAnswer } from '../chat/start-answer.ts'
import type { AnswerStep } from '../chat/written-answer.ts'

type Block = AnthropicMessage['content'][number]
type Start = Extract<AnthropicEvent, { type: 'content_block_start' }>
type End = Pick<AnthropicMessage, 'stop_reason' | 'stop_sequence'>

/** What a writer works with. */
export interface MessageWriterOptions {
  /** `msg_` and something that nobody else's has. */
  readonly id: string
  readonly answer: Pick<RunningAnswer, 'model' | 'promptTokens'>
}

/** The block that is being written. */
interface Open {
  readonly start: Block
  text: string
}

/** Writes a message of Anthropic's API while its answer is made, streamed and not in the same way. */
export class MessageWriter {
  readonly #options: MessageWriterOptions
  readonly #content: Block[] = []
  #open: Open | undefined
  #blocks = 0
  #end: { readonly stop_reason: NonNullable<End['stop_reason']>; readonly stop_sequence: string | null } = {
    stop_reason: 'end_turn',
    stop_sequence: null,
  }

  constructor(options: MessageWriterOptions) {
    this.#options = options
  }

  /** The first event. What was read from a cache is not known yet: the last but one tells it. */
  begin(): AnthropicEvent {
    const usage = this.#usage({ completionTokens: 0, cachedTokens: 0 })
    return { type: 'message_start', message: this.#message([], { stop_reason: null, stop_sequence: null }, usage) }
  }

  /** What an event of the answer is here. None for a step that shows nothing. */
  *take(event: AnswerStep): Generator<AnthropicEvent, void> {
    switch (event.type) {
      case 'text':
        if (event.text === '') return
        if (this.#open?.start.type !== 'text') yield* this.#begin({ type: 'text', text: '', citations: null })
        yield* this.#write(event.text)
        return
      case 'tool_call':
        yield* this.#begin({
          type: 'tool_use',
          id: toolUseId(event.id),
          name: event.name,
          input: {},
          caller: { type: 'direct' },
        })
        return
      case 'tool_arguments':
        yield* this.#write(event.text)
        return
      case 'end':
        yield* this.#close()
        this.#end = endOf(event)
    }
  }

  /** The whole message. */
  finish(counts: AnswerCounts): AnthropicMessage {
    return this.#message(this.#content, this.#end, this.#usage(counts))
  }

  /** The last two events. */
  finalEvents(counts: AnswerCounts): AnthropicEvent[] {
    const { cache_creation: _, service_tier, inference_geo, speed, ...usage } = this.#usage(counts)
    const delta = { ...this.#end, stop_details: null, container: null }
    return [{ type: 'message_delta', delta, usage }, { type: 'message_stop' }]
  }

  *#begin(content_block: Start['content_block']): Generator<AnthropicEvent, void> {
    yield* this.#close()
    this.#open = { start: content_block, text: '' }
    yield { type: 'content_block_start', index: this.#blocks, content_block }
  }

  *#write(text: string): Generator<AnthropicEvent, void> {
    if (this.#open === undefined || text === '') return
    this.#open.text += text
    const isText = this.#open.start.type === 'text'
    const delta = isText ? ({ type: 'text_delta', text } as const) : inputDelta(text)
    yield { type: 'content_block_delta', index: this.#blocks, delta }
  }

  *#close(): Generator<AnthropicEvent, void> {
    if (this.#open === undefined) return
    this.#content.push(...writtenBlock(this.#open))
    this.#open = undefined
    yield { type: 'content_block_stop', index: this.#blocks++ }
  }

  #message(content: Block[], end: End, usage: AnthropicMessage['usage']): AnthropicMessage {
    const { id, answer } = this.#options
    const nothing = { stop_details: null, container: null, diagnostics: null }
    return { id, type: 'message', role: 'assistant', model: answer.model, content, ...end, ...nothing, usage }
  }

  #usage({ completionTokens, cachedTokens }: AnswerCounts): AnthropicMessage['usage'] {
    return {
      input_tokens: this.#options.answer.promptTokens - cachedTokens,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: cachedTokens,
      output_tokens: completionTokens,
      cache_creation: null,
      output_tokens_details: null,
      server_tool_use: null,
      service_tier: 'standard',
      inference_geo: null,
      speed: null,
    }
  }
}

function inputDelta(partial_json: string) {
  return { type: 'input_json_delta', partial_json } as const
}

/** Why an answer ended, as Anthropic has it. */
function endOf({ finishReason, stop }: Extract<AnswerStep, { type: 'end' }>) {
  if (stop !== undefined) return { stop_reason: 'stop_sequence', stop_sequence: stop } as const
  const reasons = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' } as const
  return { stop_reason: reasons[finishReason], stop_sequence: null }
}

/** A call that was cut off is none: a client would make it. */
function writtenBlock({ start, text }: Open): Block[] {
  if (start.type === 'text') return [{ ...start, text }]
  const input = readObject(text)
  return input === undefined ? [] : [{ ...start, input }]
}

function readObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** As Anthropic's begin. */
function toolUseId(callId: string): string {
  return callId.replace(/^call_/, 'toolu_')
}
