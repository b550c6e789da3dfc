import { AppError } from '@loupe/shared/errors'
import { type ResponseEvent, type ResponseObject, responseEvent } from '@loupe/shared/schema'
import { createSseParser } from '@loupe/shared/wire'
import { describe, expect, it, vi } from 'vitest'
import { says, TINY_MODEL } from '../testing/fake-worker.ts'
import { memoryResponseStore } from '../testing/memory-shelf.ts'
import { createTestApp, type TestApp } from '../testing/test-app.ts'
import { tinyId } from '../testing/tiny-tokenizer.ts'

const stream = (app: TestApp, body: Readonly<Record<string, unknown>> = {}) => {
  const whole = JSON.stringify({ model: TINY_MODEL, input: 'hello', stream: true, ...body })
  return app.request('/v1/responses', { method: 'POST', body: whole })
}

/** The events of a stream, each as the schema has it and under its own name. */
async function eventsOf(reply: Response): Promise<ResponseEvent[]> {
  const sent = createSseParser().push(new Uint8Array(await reply.arrayBuffer()))
  return sent.map(({ event, data }) => {
    const parsed = responseEvent.parse(JSON.parse(data))
    expect(event).toBe(parsed.type)
    return parsed
  })
}

const lastResponse = (events: readonly ResponseEvent[]): ResponseObject => {
  const last = events.at(-1)
  return last !== undefined && 'response' in last ? last.response : expect.fail('expected a response at the end')
}

describe('a streamed response (rule 20)', () => {
  it('has named events in the order of OpenAI, with increasing numbers, and no [DONE]', async () => {
    const app = await createTestApp()
    app.worker.script = says('hi')
    const reply = await stream(app)
    expect(reply.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const text = await reply.clone().text()
    expect(text).not.toContain('[DONE]')
    expect(text).not.toMatch(/^(id|retry):/m)
    const events = await eventsOf(reply)
    expect(events.map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, at) => at))
  })

  it('repeats the whole response at the end: the one that is stored', async () => {
    const app = await createTestApp()
    const events = await eventsOf(await stream(app))
    const whole = lastResponse(events)
    expect(whole).toMatchObject({ status: 'completed', output: [{ content: [{ text: 'hello' }] }] })
    expect(whole.usage).toMatchObject({ output_tokens: 5 })
    expect(await (await app.request(`/v1/responses/${whole.id}`)).json()).toEqual(whole)
    const deltas = events.flatMap((event) => (event.type === 'response.output_text.delta' ? [event.delta] : []))
    expect(deltas.join('')).toBe('hello')
    for (const event of events) if ('response' in event) expect(event.response.id).toBe(whole.id)
    const itemId = whole.output[0]?.id
    for (const event of events) if ('item_id' in event) expect(event.item_id).toBe(itemId)
  })

  it('is stored before anybody hears that it is complete', async () => {
    const responses = memoryResponseStore()
    const put = vi.spyOn(responses, 'put')
    const app = await createTestApp({ responses })
    const reader = (await stream(app)).body?.getReader() ?? expect.fail('a stream has a body')
    for (let text = ''; !text.includes('response.completed'); ) {
      const { value } = await reader.read()
      text = new TextDecoder().decode(value)
      if (!text.includes('response.completed')) expect(put).not.toHaveBeenCalled()
    }
    expect(put).toHaveBeenCalledOnce()
    await reader.cancel()
  })

  it('is incomplete when the length ended it', async () => {
    const app = await createTestApp()
    app.worker.script = says('hel', 'length')
    const events = await eventsOf(await stream(app))
    expect(events.at(-1)?.type).toBe('response.incomplete')
    expect(lastResponse(events)).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    })
  })

  it('tells a fault as an error event and as a failed response, and stores nothing', async () => {
    const app = await createTestApp()
    app.worker.script = () => [
      { type: 'tokens', ids: [tinyId('a')] },
      new AppError('worker.timeout', 'The worker slept.'),
    ]
    const events = await eventsOf(await stream(app))
    const [error, failed] = events.slice(-2)
    const told = { code: 'worker.timeout', message: 'The worker slept.', param: null }
    expect(error).toEqual({ type: 'error', ...told, sequence_number: events.length - 2 })
    expect(failed).toMatchObject({
      type: 'response.failed',
      response: {
        status: 'failed',
        error: { code: 'server_error', message: 'The worker slept.' },
        output: [{ status: 'incomplete', content: [{ text: 'a' }] }],
      },
    })
    expect((await app.request(`/v1/responses/${lastResponse(events).id}`)).status).toBe(404)
    expect(app.log).toContainEqual(expect.objectContaining({ code: 'worker.timeout' }))
  })

  it('refuses with a status what can be refused before the first byte', async () => {
    const app = await createTestApp()
    const reply = await stream(app, { previous_response_id: 'resp_none' })
    expect(reply.status).toBe(400)
    expect(await reply.json()).toMatchObject({ error: { param: 'previous_response_id' } })
  })

  it('writes comments while nothing is shown, and stops the worker when its reader leaves', async () => {
    const app = await createTestApp()
    const store = memoryResponseStore()
    const put = vi.spyOn(store, 'put')
    app.worker.script = says('\u00e9\u00e9\u00e9')
    const reader = (await stream(app)).body?.getReader() ?? expect.fail('a stream has a body')
    for (let text = ''; !text.includes(': ping'); ) text = new TextDecoder().decode((await reader.read()).value)
    await reader.cancel()
    await vi.waitFor(() => expect(app.worker.left).toBe(1))
    expect(put).not.toHaveBeenCalled()
  })

  it('ends with a fault when it cannot be stored', async () => {
    const responses = memoryResponseStore()
    vi.spyOn(responses, 'put').mockRejectedValue(new Error('the disk is full'))
    const app = await createTestApp({ responses })
    const events = await eventsOf(await stream(app))
    expect(events.slice(-2)).toMatchObject([
      { type: 'error', code: 'internal', message: 'Something went wrong on our side.' },
      { type: 'response.failed' },
    ])
  })
})
