import { AppError } from '@loupe/shared/errors'
import { type GenerateEvent, readGenerateStream } from '@loupe/shared/wire'
import { describe, expect, it } from 'vitest'
import { BODY_BUDGET, createFixture, INFER, picture, prompt, question, STREAM } from './testing/worker-fixture.ts'

function eventsOf(response: Response): AsyncGenerator<GenerateEvent, void> {
  if (response.body === null) throw new Error('a stream has a body')
  return readGenerateStream(response.body)
}

async function collect(response: Response): Promise<GenerateEvent[]> {
  const events: GenerateEvent[] = []
  for await (const event of eventsOf(response)) events.push(event)
  return events
}

/** A promise that the test settles. */
const gate = () => Promise.withResolvers<void>()

describe('generate_stream', () => {
  it('streams each token and ends with the summary', async () => {
    const { app } = createFixture()
    const { patches, digest } = picture(7)
    const response = await app.request(STREAM, question({ imageDigests: [digest], patches: [patches] }))
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('no-cache, no-transform')
    const events = await collect(response)
    expect(events.map((event) => (event.type === 'tokens' ? event.ids : event.summary.finish_reason))).toEqual([
      [10],
      [11],
      [12],
      'stop',
    ])
  })

  it('sends its headers right after admission, before the first token', async () => {
    const { app, model } = createFixture()
    const { promise, resolve } = gate()
    model.hold = () => promise
    const response = await app.request(STREAM, question())
    expect(response.status).toBe(200)
    resolve()
    expect(await collect(response)).toHaveLength(4)
  })

  it('reports a fault after the first byte as an error event', async () => {
    const { app, model, logged } = createFixture()
    model.hold = (step) =>
      step === 'decode' ? Promise.reject(new AppError('runtime.failed', 'out of memory')) : Promise.resolve()
    const events = eventsOf(await app.request(STREAM, question()))
    expect((await events.next()).value).toMatchObject({ ids: [10] })
    await expect(events.next()).rejects.toMatchObject({ code: 'runtime.failed' })
    expect(logged.find(({ event }) => event === 'answer')?.fields['failure']).toMatchObject({ detail: 'out of memory' })
    expect(model.heldSlots).toBe(0)
  })

  it('stops within one decode step when the client leaves', async () => {
    const { app, model, served } = createFixture()
    model.answer = Array.from({ length: 1000 }, () => 10)
    const events = eventsOf(await app.request(STREAM, question()))
    for (let n = 0; n < 5; n++) await events.next()
    const before = model.steps.decode
    await events.return()
    await served.engine.idle()
    expect(model.steps.decode).toBeLessThanOrEqual(before + 1)
    expect(model.heldSlots).toBe(0)
  })

  it('stops when the signal of the request aborts, also without a stream', async () => {
    const { app, model, served } = createFixture()
    model.answer = Array.from({ length: 1000 }, () => 10)
    const client = new AbortController()
    const begun = gate()
    model.hold = async (step) => (step === 'decode' ? begun.resolve() : undefined)
    const response = app.request(INFER, question({}, client.signal))
    await begun.promise
    const before = model.steps.decode
    client.abort()
    expect((await response).status).toBe(499)
    await served.engine.idle()
    expect(model.steps.decode).toBeLessThanOrEqual(before + 1)
  })

  it('aborts the vision pass of a client that leaves, and looks again for the next', async () => {
    const { app, model, served } = createFixture()
    const { patches, digest } = picture(7)
    const client = new AbortController()
    const looking = gate()
    model.hold = (step) => {
      if (step === 'vision') looking.resolve()
      return gate().promise
    }
    const request = { imageDigests: [digest], patches: [patches] }
    const response = app.request(INFER, question(request, client.signal))
    await looking.promise
    client.abort()
    expect((await response).status).toBe(499)
    await served.engine.idle()
    expect(model.steps).toEqual({ vision: 1, prefill: 0, decode: 0 })
    model.hold = () => Promise.resolve()
    expect((await app.request(INFER, question(request))).status).toBe(200)
    expect(model.steps.vision).toBe(2)
  })

  it('gives up at the deadline of the request', async () => {
    const { app, model } = createFixture()
    model.hold = (step) => (step === 'decode' ? gate().promise : Promise.resolve())
    const response = await app.request(INFER, question({ parameters: { timeout_ms: 20 } }))
    expect(response.status).toBe(504)
    expect(await response.json()).toMatchObject({ code: 'worker.timeout' })
    expect(model.heldSlots).toBe(0)
  })
})

describe('overload', () => {
  it('answers 429 with a wait when the queue is full, and takes work again afterwards', async () => {
    const { app, model } = createFixture({ requests: 2, slots: 1 })
    const { promise, resolve } = gate()
    model.hold = () => promise
    const admitted = await Promise.all([1, 2, 3].map(() => app.request(STREAM, question())))
    const refused = await app.request(STREAM, question())
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(Number(refused.headers.get('retry-after-ms'))).toBeGreaterThanOrEqual(1000)
    expect(await refused.json()).toMatchObject({ code: 'queue.full' })
    resolve()
    const answers = await Promise.all(admitted.map(collect))
    expect(answers.map((events) => events.length)).toEqual([4, 4, 4])
    expect((await app.request(INFER, question())).status).toBe(200)
  })

  it('answers 429 while other bodies fill the memory set aside for them', async () => {
    const { app, bodies } = createFixture()
    const giveBack = bodies.take(BODY_BUDGET)
    expect((await app.request(INFER, question())).status).toBe(429)
    giveBack?.()
    expect((await app.request(INFER, question())).status).toBe(200)
    expect(bodies.held).toBe(0)
  })

  it('lets go of the pictures of a refused request', async () => {
    const { app, model } = createFixture({ requests: 1, slots: 1 })
    const { promise, resolve } = gate()
    model.hold = () => promise
    const admitted = await Promise.all([1, 2].map(() => app.request(STREAM, question())))
    const { patches, digest } = picture(7)
    expect((await app.request(INFER, question({ imageDigests: [digest], patches: [patches] }))).status).toBe(429)
    expect((await app.request(INFER, question({ imageDigests: [digest] }))).status).toBe(409)
    resolve()
    await Promise.all(admitted.map(collect))
  })

  it('serves tenants in turn', async () => {
    const { app, model } = createFixture({ slots: 1 })
    const { promise, resolve } = gate()
    model.hold = () => promise
    const of = (tenant: string, first: number, priority = 0) =>
      app.request(STREAM, question({ inputIds: prompt(0, first), parameters: { tenant, priority } }))
    const streams = [of('a', 20), of('a', 21), of('a', 22), of('b', 30), of('c', 40), of('b', 31), of('d', 50, -1)]
    const responses = await Promise.all(streams)
    resolve()
    await Promise.all(responses.map(collect))
    expect(model.promptsBegun).toEqual([20, 50, 30, 40, 21, 31, 22])
  })

  it('forgets a request that leaves while it waits', async () => {
    const { app, model, served } = createFixture({ slots: 1 })
    const { promise, resolve } = gate()
    model.hold = () => promise
    const running = await app.request(STREAM, question())
    const waiting = await app.request(STREAM, question({ inputIds: prompt(0, 33) }))
    await waiting.body?.cancel()
    expect(served.engine.load).toMatchObject({ running: 1, waiting: 0 })
    resolve()
    await collect(running)
    expect(model.promptsBegun).toEqual([2])
  })
})
