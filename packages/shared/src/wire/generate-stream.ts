import { z } from 'zod'
import { AppError, fromOipError, oipError } from '../errors/index.ts'
import { type GenerateSummary, parseGenerateSummary } from './generate-parameters.ts'
import { createSseParser, encodeSseEvent, type SseEvent } from './sse.ts'

/** Tokens as they are made, and at the end, once, what the answer was. */
export type GenerateEvent =
  | {
      readonly type: 'tokens'
      /** `[t]` token ids, in their order. */
      readonly ids: readonly number[]
      /** `[t]` log probability of each, natural; present when it was asked for. */
      readonly logprobs?: readonly number[] | undefined
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

const numberList = z.array(z.number()).max(1024)
const streamPart = z.object({
  outputs: z.array(z.object({ name: z.string(), data: numberList })).max(8),
  parameters: z.unknown().optional(),
})

/** Writes one event of `generate_stream`: an inference response, as JSON behind `data:`. */
export function encodeGenerateEvent(identity: StreamIdentity, event: GenerateEvent): string {
  const { model_name, id } = identity
  if (event.type === 'done') {
    const outputs = [{ name: 'output_ids', datatype: 'INT32', shape: [0], data: [] }]
    return encodeSseEvent({ data: JSON.stringify({ model_name, id, parameters: event.summary, outputs }) })
  }
  const shape = [event.ids.length]
  const outputs: object[] = [{ name: 'output_ids', datatype: 'INT32', shape, data: event.ids }]
  if (event.logprobs !== undefined) outputs.push({ name: 'logprobs', datatype: 'FP32', shape, data: event.logprobs })
  return encodeSseEvent({ data: JSON.stringify({ model_name, id, outputs }) })
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
  const ids = part.data?.outputs.find(({ name }) => name === 'output_ids')?.data
  if (part.data === undefined || ids === undefined) {
    throw new AppError('worker.lost', 'The worker sent an event without output_ids.', { cause: part.error })
  }
  if (ids.length === 0) return { type: 'done', summary: parseGenerateSummary(part.data.parameters) }
  const logprobs = part.data.outputs.find(({ name }) => name === 'logprobs')?.data
  return { type: 'tokens', ids, logprobs }
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
