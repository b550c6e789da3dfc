import { describe, expect, it } from 'vitest'
import { AppError } from '../errors/index.ts'
import type { GenerateSummary } from './generate-parameters.ts'
import { encodeErrorEvent, encodeGenerateEvent, type GenerateEvent, readGenerateStream } from './generate-stream.ts'

const identity = { model_name: 'm', id: 'r1' }
const summary: GenerateSummary = {
  finish_reason: 'length',
  prompt_tokens: 3,
  completion_tokens: 1,
  image_tokens: 0,
  cached_tokens: 0,
  images_cached: 0,
}
const events: GenerateEvent[] = [
  { type: 'tokens', ids: [42] },
  { type: 'tokens', ids: [7, 8], logprobs: [-0.25, -1] },
  { type: 'tokens', choice: 3, ids: [9] },
  {
    type: 'tokens',
    choice: 1,
    ids: [4, 5],
    logprobs: [-1, -2],
    topLogprobs: [
      [
        { id: 4, logprob: -1 },
        { id: 6, logprob: -1.5 },
      ],
      [
        { id: 7, logprob: -0.5 },
        { id: 5, logprob: -2 },
      ],
    ],
  },
  { type: 'tokens', ids: [4], logprobs: [-1], topLogprobs: [[]] },
  { type: 'tokens', ids: [1], cachedTokens: 64 },
  { type: 'tokens', choice: 2, ids: [1], cachedTokens: 0 },
  { type: 'end', choice: 0, summary: { finish_reason: 'stop', completion_tokens: 4 } },
  { type: 'done', summary },
]

function streamOf(texts: readonly string[], onCancel = () => {}): ReadableStream<Uint8Array> {
  const left = texts.map((text) => new TextEncoder().encode(text))
  return new ReadableStream({
    pull(controller) {
      const next = left.shift()
      if (next === undefined) controller.close()
      else controller.enqueue(next)
    },
    cancel: onCancel,
  })
}

async function collect(body: ReadableStream<Uint8Array>): Promise<GenerateEvent[]> {
  const all: GenerateEvent[] = []
  for await (const event of readGenerateStream(body)) all.push(event)
  return all
}

async function failureOf(body: ReadableStream<Uint8Array>): Promise<AppError> {
  const thrown = await collect(body).catch((error: unknown) => error)
  if (!AppError.isInstance(thrown)) throw new Error('expected an AppError')
  return thrown
}

describe('generate streams', () => {
  it('write the events of the protocol', () => {
    expect(encodeGenerateEvent(identity, { type: 'tokens', ids: [42] })).toBe(
      'data: {"model_name":"m","id":"r1","outputs":[{"name":"output_ids","datatype":"INT32","shape":[1],"data":[42]}]}\n\n',
    )
  })

  it('name the choice only where it is not the first, and lay the likeliest tokens side by side', () => {
    const text = encodeGenerateEvent(identity, events[3] ?? expect.fail())
    expect(JSON.parse(text.slice('data: '.length))).toEqual({
      ...identity,
      parameters: { choice: 1 },
      outputs: [
        { name: 'output_ids', datatype: 'INT32', shape: [2], data: [4, 5] },
        { name: 'logprobs', datatype: 'FP32', shape: [2], data: [-1, -2] },
        { name: 'top_ids', datatype: 'INT32', shape: [2, 2], data: [4, 6, 7, 5] },
        { name: 'top_logprobs', datatype: 'FP32', shape: [2, 2], data: [-1, -1.5, -0.5, -2] },
      ],
    })
  })

  it('come back as they were written, and end with the summary', async () => {
    const texts = [': ping\n\n', ...events.map((event) => encodeGenerateEvent(identity, event)), 'data: late\n\n']
    expect(await collect(streamOf(texts))).toEqual(events)
  })

  it('throw the error that the worker reports', async () => {
    const error = await failureOf(streamOf([encodeErrorEvent(new AppError('worker.timeout', 'after 5 ms'))]))
    expect(error).toMatchObject({ code: 'worker.timeout', message: 'after 5 ms' })
  })

  it('hide the message of an internal error', () => {
    expect(encodeErrorEvent(new AppError('internal', 'secret'))).not.toContain('secret')
  })

  it.each([
    ['breaks off', encodeGenerateEvent(identity, { type: 'tokens', ids: [1] })],
    ['is not JSON', 'data: {\n\n'],
    ['has no output_ids', 'data: {"outputs":[]}\n\n'],
    ['ends without a summary', 'data: {"outputs":[{"name":"output_ids","data":[]}]}\n\n'],
    [
      'names no choice that can be',
      'data: {"outputs":[{"name":"output_ids","data":[1]}],"parameters":{"choice":-1}}\n\n',
    ],
    [
      'has likeliest tokens that fit no place',
      'data: {"outputs":[{"name":"output_ids","data":[1,2]},{"name":"top_ids","data":[1]},{"name":"top_logprobs","data":[1]}]}\n\n',
    ],
    ['reports an unknown error', 'event: error\ndata: {"code":"x"}\n\n'],
  ])('fail with worker.lost when the stream %s', async (_, text) => {
    expect((await failureOf(streamOf([text]))).code).toBe('worker.lost')
  })

  it('do not quote what could not be read: it would reach a log', async () => {
    const error = await failureOf(streamOf(['data: {"outputs":[{"name":"output_ids","data":[4711,}\n\n']))
    expect([error.message, error.cause]).toEqual(['The worker sent an event that is not JSON.', undefined])
  })

  it('fail with worker.lost when the connection breaks', async () => {
    const body = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error('reset')) })
    expect((await failureOf(body)).code).toBe('worker.lost')
  })

  it('cancel the body when the reader leaves early', async () => {
    let cancelled = 0
    const body = streamOf(
      events.map((event) => encodeGenerateEvent(identity, event)),
      () => cancelled++,
    )
    for await (const event of readGenerateStream(body)) {
      expect(event.type).toBe('tokens')
      break
    }
    expect(cancelled).toBe(1)
  })
})
