import { AppError } from '@loupe/shared/errors'
import { describe, expect, it, vi } from 'vitest'
import { eventStream } from './event-stream.ts'

const options = { pingMs: 60_000, onError: () => undefined, onCancel: () => undefined }
const textOf = (stream: ReadableStream<Uint8Array>) => new Response(stream).text()

async function* values(...list: (object | Error)[]): AsyncGenerator<object, void> {
  for (const value of list) {
    if (value instanceof Error) throw value
    yield await Promise.resolve(value)
  }
}

describe('eventStream', () => {
  it('sends data events and ends with exactly [DONE] and a blank line (rule 1)', async () => {
    const text = await textOf(eventStream(values({ a: 1 }, { b: 'x\ny' }), options))
    expect(text).toBe('data: {"a":1}\n\ndata: {"b":"x\\ny"}\n\ndata: [DONE]\n\n')
  })

  it('sends a fault after the first byte as a data event with an error object, and no [DONE] (rules 1, 4, 15)', async () => {
    const faults: AppError[] = []
    const failing = values({ a: 1 }, new AppError('worker.lost', 'gone'))
    const text = await textOf(eventStream(failing, { ...options, onError: (error) => faults.push(error) }))
    const [first, second, ...rest] = text.split('\n\n')
    expect(first).toBe('data: {"a":1}')
    expect(JSON.parse(second?.replace(/^data: /, '') ?? '')).toEqual({
      error: { message: 'gone', type: 'server_error', param: null, code: 'worker.lost' },
    })
    expect(rest).toEqual([''])
    expect(faults).toHaveLength(1)
  })

  it('hides what an internal fault says', async () => {
    const text = await textOf(eventStream(values(new Error('password: hunter2')), options))
    expect(text).not.toContain('hunter2')
    expect(text).toContain('"code":"internal"')
  })

  it('keeps a silent stream alive with comments between events, never with id, retry or data (rules 2, 3)', async () => {
    vi.useFakeTimers()
    try {
      const { promise, resolve } = Promise.withResolvers<object>()
      async function* slow(): AsyncGenerator<object, void> {
        yield await promise
      }
      const text = textOf(eventStream(slow(), { ...options, pingMs: 1000 }))
      await vi.advanceTimersByTimeAsync(2500)
      resolve({ a: 1 })
      expect(await text).toBe(': ping\n\n: ping\n\ndata: {"a":1}\n\ndata: [DONE]\n\n')
    } finally {
      vi.useRealTimers()
    }
  })

  it('writes a comment for a step that shows nothing, so that a client that has left is noticed', async () => {
    async function* quiet(): AsyncGenerator<object | undefined, void> {
      yield await Promise.resolve(undefined)
      yield { a: 1 }
    }
    const text = await textOf(eventStream(quiet(), options))
    expect(text).toBe(': ping\n\ndata: {"a":1}\n\ndata: [DONE]\n\n')
  })

  it('leaves its source when the client leaves', async () => {
    const onCancel = vi.fn()
    let isLeft = false
    async function* endless(): AsyncGenerator<object, void> {
      try {
        for (;;) yield await Promise.resolve({})
      } finally {
        isLeft = true
      }
    }
    const reader = eventStream(endless(), { ...options, onCancel }).getReader()
    await reader.read()
    await reader.cancel()
    expect(onCancel).toHaveBeenCalledOnce()
    expect(isLeft).toBe(true)
  })
})
