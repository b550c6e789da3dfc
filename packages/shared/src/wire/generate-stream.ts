import { z } from 'zod'
import { AppError, fromOipError, oipError } from '../errors/index.ts'
import {
  type ChoiceSummary,
  choiceSummary,
  type GenerateSummary,
  MOST_CHOICES,
  parseGenerateSummary,
} from './generate-parameters.ts'
import { createSseParser, encodeSseEvent, type SseEvent } from './sse.ts'

/** A token and the natural log of its probability. */
export interface LikelyToken {
  /** Token id. */
  readonly id: number
  /** Natural log of its probability. */
  readonly logprob: number
}

/** Tokens as they are made, the ends of several answers, and at the end, once, what it all was. */
export type GenerateEvent =
  | {
      readonly type: 'tokens'
      /** Which answer they belong to, from 0; the first, if it is not said. */
      readonly choice?: number | undefined
      /** `[t]` token ids, in their order. */
      readonly ids: readonly number[]
      /** `[t]` log probability of each, natural; present when it was asked for. */
      readonly logprobs?: readonly number[] | undefined
      /** `[t, k]` the likeliest tokens at each place, likeliest first; present when they were asked for. */
      readonly topLogprobs?: readonly (readonly LikelyToken[])[] | undefined
      /** With the first tokens of an answer: prompt tokens that were not computed again. */
      readonly cachedTokens?: number | undefined
    }
  | {
      /** Only where there are several answers. */
      readonly type: 'end'
      /** Which one has ended. */
      readonly choice: number
      /** How it ended. */
      readonly summary: ChoiceSummary
    }
  | {
      readonly type: 'done'
      /** What the answer cost and why it ended. */
      readonly summary: GenerateSummary
    }

/** What every event of one stream repeats. */
export interface StreamIdentity {
  /** The model that answers. */
  readonly model_name: string
  /** That of the request. */
  readonly id: string
}

const MOST_NUMBERS = 1024 * 32
const numberList = z.array(z.number()).max(MOST_NUMBERS)
const streamPart = z.object({
  outputs: z.array(z.object({ name: z.string(), data: numberList })).max(8),
  parameters: z.record(z.string(), z.unknown()).optional(),
})
const choiceIndex = z
  .int()
  .min(0)
  .max(MOST_CHOICES - 1)
const tokensParameters = z.object({ choice: choiceIndex.optional(), cached_tokens: z.int().min(0).optional() })
const choiceEnd = z.object({ choice: choiceIndex, ...choiceSummary.shape })

/** Writes one event of `generate_stream`: an inference response, as JSON behind `data:`. */
export function encodeGenerateEvent(identity: StreamIdentity, event: GenerateEvent): string {
  const { model_name, id } = identity
  return encodeSseEvent({ data: JSON.stringify({ model_name, id, ...eventBody(event) }) })
}

function eventBody(event: GenerateEvent): object {
  const nothing = [{ name: 'output_ids', datatype: 'INT32', shape: [0], data: [] }]
  if (event.type === 'done') return { parameters: event.summary, outputs: nothing }
  if (event.type === 'end') return { parameters: { choice: event.choice, ...event.summary }, outputs: nothing }
  const { choice = 0, cachedTokens } = event
  const parameters = {
    ...(choice === 0 ? {} : { choice }),
    ...(cachedTokens === undefined ? {} : { cached_tokens: cachedTokens }),
  }
  const outputs = tokenOutputs(event)
  return Object.keys(parameters).length === 0 ? { outputs } : { parameters, outputs }
}

function tokenOutputs({ ids, logprobs, topLogprobs }: Extract<GenerateEvent, { type: 'tokens' }>): object[] {
  const shape = [ids.length]
  const outputs: object[] = [{ name: 'output_ids', datatype: 'INT32', shape, data: ids }]
  if (logprobs !== undefined) outputs.push({ name: 'logprobs', datatype: 'FP32', shape, data: logprobs })
  if (topLogprobs !== undefined) {
    const all = topLogprobs.flat()
    const wide = [ids.length, all.length / ids.length]
    outputs.push({ name: 'top_ids', datatype: 'INT32', shape: wide, data: all.map((token) => token.id) })
    outputs.push({ name: 'top_logprobs', datatype: 'FP32', shape: wide, data: all.map((token) => token.logprob) })
  }
  return outputs
}

/** Writes the event that ends a stream which failed after its first byte. */
export function encodeErrorEvent(error: AppError): string {
  return encodeSseEvent({ event: 'error', data: JSON.stringify(oipError(error)) })
}

/**
 * Reads one event.
 *
 * @throws AppError the error that an `error` event carries; `worker.lost` for anything that is not such an event
 */
function decodeGenerateEvent({ event, data }: SseEvent): GenerateEvent {
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    // No cause: its message quotes what was read, and token ids do not belong into a log.
    throw new AppError('worker.lost', 'The worker sent an event that is not JSON.')
  }
  if (event === 'error') throw fromOipError(value)
  const part = streamPart.safeParse(value)
  const outputs = new Map(part.data?.outputs.map(({ name, data }) => [name, data]))
  const ids = outputs.get('output_ids')
  if (part.data === undefined || ids === undefined) {
    throw new AppError('worker.lost', 'The worker sent an event without output_ids.', { cause: part.error })
  }
  const { parameters } = part.data
  if (ids.length === 0) return endEvent(parameters)
  const known = tokensParameters.safeParse(parameters ?? {})
  if (!known.success) throw new AppError('worker.lost', 'The worker sent tokens of an unknown choice.')
  return {
    type: 'tokens',
    choice: known.data.choice,
    cachedTokens: known.data.cached_tokens,
    ids,
    logprobs: outputs.get('logprobs'),
    topLogprobs: topLogprobs(outputs, ids.length),
  }
}

/** The last event tells what the prompt was; that of one choice does not. */
function endEvent(parameters: Readonly<Record<string, unknown>> | undefined): GenerateEvent {
  const end = choiceEnd.safeParse(parameters)
  if (parameters?.['prompt_tokens'] !== undefined || !end.success) {
    return { type: 'done', summary: parseGenerateSummary(parameters) }
  }
  const { choice, ...summary } = end.data
  return { type: 'end', choice, summary }
}

/** `[t, k]` of two tensors that run side by side. */
function topLogprobs(outputs: ReadonlyMap<string, readonly number[]>, tokens: number): LikelyToken[][] | undefined {
  const ids = outputs.get('top_ids')
  const logprobs = outputs.get('top_logprobs')
  if (ids === undefined || logprobs === undefined) return undefined
  if (ids.length !== logprobs.length || ids.length % tokens !== 0) {
    throw new AppError('worker.lost', 'The worker sent top_ids and top_logprobs of different shapes.')
  }
  const width = ids.length / tokens
  const all = ids.map((id, at) => ({ id, logprob: logprobs[at] ?? 0 }))
  return Array.from({ length: tokens }, (_, row) => all.slice(row * width, (row + 1) * width))
}

/**
 * Reads the body of a `generate_stream` reply. The last event is always `done`; leaving early cancels the body, which
 * the worker notices.
 *
 * @param body - the bytes of the reply
 * @throws AppError what the worker reports, or `worker.lost` when the stream breaks off or is not readable
 */
export async function* readGenerateStream(body: ReadableStream<Uint8Array>): AsyncGenerator<GenerateEvent, void> {
  const parser = createSseParser()
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await read(reader)
      if (done) throw new AppError('worker.lost', 'The worker broke off in the middle of an answer.')
      for (const raw of parser.push(value)) {
        const event = decodeGenerateEvent(raw)
        yield event
        if (event.type === 'done') return
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined) // already failed: the fault itself is on its way up
  }
}

async function read(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read()
  } catch (cause) {
    throw new AppError('worker.lost', 'The connection to the worker broke in the middle of an answer.', { cause })
  }
}
