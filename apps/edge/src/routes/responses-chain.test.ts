import { type ResponseObject, responseItemList, responseObject } from '@loupe/shared/schema'
import { describe, expect, it } from 'vitest'
import { says, TINY_MODEL } from '../testing/fake-worker.ts'
import { memoryResponseStore } from '../testing/memory-shelf.ts'
import { createTestApp, type TestApp } from '../testing/test-app.ts'
import { tinyTokenizer } from '../testing/tiny-tokenizer.ts'

const respond = (app: TestApp, body: Readonly<Record<string, unknown>>) =>
  app.request('/v1/responses', { method: 'POST', body: JSON.stringify({ model: TINY_MODEL, ...body }) })

async function answered(app: TestApp, body: Readonly<Record<string, unknown>>): Promise<ResponseObject> {
  const reply = await respond(app, body)
  expect(reply.status).toBe(200)
  return responseObject.parse(await reply.json())
}

/** What the worker was last asked, as text. */
const asked = (app: TestApp) => tinyTokenizer.decode(app.worker.admitted.at(-1)?.inputIds ?? [])

const picture = { type: 'input_image', image_url: `data:image/png;base64,${btoa('picture')}` }

describe('a conversation that goes on', () => {
  it('is the whole of what was said, pictures among it, without the instructions of before', async () => {
    const app = await createTestApp()
    app.worker.script = says('red')
    const question = { role: 'user', content: [picture, { type: 'input_text', text: 'Colour?' }] }
    const first = await answered(app, { input: [question], instructions: 'Be brief.' })
    const second = await answered(app, { input: 'Sure?', previous_response_id: first.id })
    expect(second.previous_response_id).toBe(first.id)
    await answered(app, { input: 'Why?', previous_response_id: second.id })
    expect(app.worker.admitted.at(-1)?.imageDigests).toEqual(app.worker.admitted[0]?.imageDigests)
    const text = asked(app)
    expect(text).toMatch(/Colour\?.*red.*Sure\?.*red.*Why\?/s)
    expect(text).not.toContain('Be brief.')
  })

  it('asks what the same chat asks', async () => {
    const app = await createTestApp()
    const first = await answered(app, { input: 'one' })
    await answered(app, { input: 'two', instructions: 'Rule.', previous_response_id: first.id })
    const messages = [
      { role: 'system', content: 'Rule.' },
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'hello' },
      { role: 'user', content: 'two' },
    ]
    await app.chat({ messages })
    expect(app.worker.admitted.at(-2)?.inputIds).toEqual(app.worker.admitted.at(-1)?.inputIds)
  })

  it('can fork: a response is gone on with more than once', async () => {
    const app = await createTestApp()
    const first = await answered(app, { input: 'one' })
    await answered(app, { input: 'left', previous_response_id: first.id })
    await answered(app, { input: 'right', previous_response_id: first.id })
    expect(asked(app)).toContain('right')
    expect(asked(app)).not.toContain('left')
  })

  it('can go on from a response that is not stored itself, but not with it', async () => {
    const app = await createTestApp()
    const first = await answered(app, { input: 'one' })
    const second = await answered(app, { input: 'two', previous_response_id: first.id, store: false })
    const reply = await respond(app, { input: 'three', previous_response_id: second.id })
    expect([reply.status, await reply.json()]).toMatchObject([
      400,
      { error: { code: 'previous_response_not_found', param: 'previous_response_id' } },
    ])
  })

  it('is broken where an earlier response was deleted', async () => {
    const app = await createTestApp()
    const first = await answered(app, { input: 'one' })
    const second = await answered(app, { input: 'two', previous_response_id: first.id })
    await app.request(`/v1/responses/${first.id}`, { method: 'DELETE' })
    expect((await respond(app, { input: 'three', previous_response_id: second.id })).status).toBe(400)
    expect((await app.request(`/v1/responses/${second.id}`)).status).toBe(200)
  })

  it('is blamed as a whole when it does not go together', async () => {
    const app = await createTestApp()
    const first = await answered(app, { input: 'one' })
    const system = { role: 'system', content: 'Too late.' }
    const body = { input: [system, { role: 'user', content: 'two' }], previous_response_id: first.id }
    const reply = await respond(app, body)
    expect(await reply.json()).toMatchObject({ error: { code: 'prompt.invalid', param: 'input[0].role' } })
  })

  it('is told by items as well: what was answered is sent back', async () => {
    const app = await createTestApp()
    const first = await answered(app, { input: 'one', store: false })
    await answered(app, {
      input: [{ role: 'user', content: 'one' }, ...first.output, { role: 'user', content: 'two' }],
      store: false,
    })
    expect(asked(app)).toMatch(/one.*hello.*two/s)
  })
})

describe('a reference to an item', () => {
  it('stands for it, and is listed as it', async () => {
    const app = await createTestApp()
    const first = await answered(app, { input: 'one' })
    const { data } = responseItemList.parse(await (await app.request(`/v1/responses/${first.id}/input_items`)).json())
    const references = [data[0], first.output[0]].map((item) => ({ type: 'item_reference', id: item?.id }))
    const second = await answered(app, { input: [...references, { role: 'user', content: 'two' }] })
    expect(asked(app)).toMatch(/one.*hello.*two/s)
    const listed = await app.request(`/v1/responses/${second.id}/input_items?order=asc`)
    expect(responseItemList.parse(await listed.json()).data.slice(0, 2)).toEqual([data[0], first.output[0]])
  })

  it('to nothing is refused', async () => {
    const app = await createTestApp()
    const reply = await respond(app, { input: [{ type: 'item_reference', id: 'msg_none' }] })
    expect([reply.status, await reply.json()]).toMatchObject([
      400,
      { error: { code: 'request.invalid', param: 'input' } },
    ])
  })
})

describe('calls of functions', () => {
  const tools = [{ type: 'function', name: 'look', parameters: { type: 'object', properties: {} } }]
  const call = { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{}' }

  it('are an answer and its result in the prompt, as in a chat', async () => {
    const app = await createTestApp({ model: { context_length: 8192 } })
    const output = { type: 'function_call_output', call_id: 'call_1', output: 'a cat' }
    await answered(app, { tools, input: [{ role: 'user', content: 'What is there?' }, call, output] })
    const messages = [
      { role: 'user', content: 'What is there?' },
      {
        role: 'assistant',
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'look', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'a cat' },
    ]
    await app.chat({
      messages,
      tools: [{ type: 'function', function: { name: 'look', parameters: tools[0]?.parameters } }],
    })
    expect(app.worker.admitted[0]?.inputIds).toEqual(app.worker.admitted[1]?.inputIds)
    expect(asked(app)).toContain('a cat')
  })

  it('are items of the answer, and what they gave is sent back under their id', async () => {
    const app = await createTestApp({ model: { context_length: 8192 } })
    app.worker.script = says('{"name": "look", "parameters": {}}')
    const first = await answered(app, { tools, input: 'What is there?', tool_choice: 'required' })
    const [called] = first.output
    expect(called).toMatchObject({ type: 'function_call', status: 'completed', name: 'look', arguments: '{}' })
    expect(first).toMatchObject({
      status: 'completed',
      tool_choice: 'required',
      tools: [{ type: 'function', name: 'look' }],
    })
    const callId = called?.type === 'function_call' ? called.call_id : expect.fail('expected a call')
    app.worker.script = says('a cat')
    const output = { type: 'function_call_output', call_id: callId, output: [{ type: 'input_text', text: 'a cat' }] }
    const second = await answered(app, { tools, input: [output], previous_response_id: first.id })
    expect(second.output).toMatchObject([{ type: 'message', content: [{ text: 'a cat' }] }])
    expect(asked(app)).toMatch(/What is there\?.*"look".*a cat/s)
  })

  it('may be allowed in part, and are echoed so', async () => {
    const app = await createTestApp({ model: { context_length: 8192 } })
    const choice = { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'look' }] }
    const two = [...tools, { type: 'function', name: 'hear', description: 'Listens.' }]
    const response = await answered(app, { tools: two, tool_choice: choice, input: 'a', parallel_tool_calls: false })
    expect(response).toMatchObject({ tool_choice: choice, parallel_tool_calls: false })
    expect(asked(app)).not.toContain('Listens.')
  })

  it('without a result are blamed on their item', async () => {
    const app = await createTestApp()
    const reply = await respond(app, {
      tools,
      input: [{ role: 'user', content: 'a' }, call, { role: 'user', content: 'b' }],
    })
    expect(await reply.json()).toMatchObject({ error: { code: 'request.invalid', param: 'input[1]' } })
  })
})

describe('what is kept', () => {
  it('expires', async () => {
    const app = await createTestApp()
    const first = await answered(app, { input: 'one' })
    const startMs = Date.now()
    app.clock.nowMs = () => startMs + 3_600_000
    expect((await app.request(`/v1/responses/${first.id}`)).status).toBe(404)
    expect((await respond(app, { input: 'two', previous_response_id: first.id })).status).toBe(400)
  })

  it('is bounded: an answer that is too long is given, and says that it is not stored', async () => {
    const app = await createTestApp({ responses: memoryResponseStore({ limits: { responseBytes: 2000 } }) })
    const metadata = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, 'y'.repeat(500)]))
    const long = await answered(app, { input: 'x', metadata })
    expect([long.store, long.output]).toMatchObject([false, [{ content: [{ text: 'hello' }] }]])
    expect((await app.request(`/v1/responses/${long.id}`)).status).toBe(404)
  })
})
