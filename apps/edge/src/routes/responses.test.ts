import { AppError } from '@loupe/shared/errors'
import { type ResponseObject, responseDeleted, responseItemList, responseObject } from '@loupe/shared/schema'
import { describe, expect, it, vi } from 'vitest'
import { type Script, says, TINY_MODEL } from '../testing/fake-worker.ts'
import { memoryResponseStore } from '../testing/memory-shelf.ts'
import { createTestApp, type TestApp, type TestAppOptions } from '../testing/test-app.ts'
import { tinyId, tinyTokenizer } from '../testing/tiny-tokenizer.ts'

const picture = { type: 'input_image', image_url: `data:image/png;base64,${btoa('picture')}` }
const question = { role: 'user', content: [{ type: 'input_text', text: 'What?' }, picture] }

/** Posts a request; the model is filled in. */
const respond = (app: TestApp, body: Readonly<Record<string, unknown>>, init?: RequestInit) =>
  app.request('/v1/responses', { method: 'POST', body: JSON.stringify({ model: TINY_MODEL, ...body }), ...init })

async function answered(app: TestApp, body: Readonly<Record<string, unknown>>): Promise<ResponseObject> {
  const reply = await respond(app, body)
  expect(reply.status).toBe(200)
  return responseObject.parse(await reply.json())
}

/** What the worker was asked, as text. */
const asked = (app: TestApp, at = -1) => tinyTokenizer.decode(app.worker.admitted.at(at)?.inputIds ?? [])

const errorOf = async (reply: Response) => [reply.status, ((await reply.json()) as { error: object }).error]

describe('POST /v1/responses', () => {
  it('answers a text with the whole object of OpenAI', async () => {
    const app = await createTestApp()
    const response = await answered(app, { input: 'hello', instructions: 'Be brief.', metadata: { a: 'b' }, user: 'u' })
    expect(response).toEqual({
      id: expect.stringMatching(/^resp_[0-9a-f]{48}$/),
      object: 'response',
      created_at: expect.any(Number),
      completed_at: expect.any(Number),
      status: 'completed',
      error: null,
      incomplete_details: null,
      model: TINY_MODEL,
      output: [
        {
          id: expect.stringMatching(/^msg_[0-9a-f]{48}$/),
          type: 'message',
          status: 'completed',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'hello', annotations: [], logprobs: [] }],
        },
      ],
      usage: {
        input_tokens: app.worker.admitted[0]?.inputIds.length,
        input_tokens_details: { cached_tokens: 3, cache_write_tokens: 0, image_tokens: 0 },
        output_tokens: 5,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 5 + (app.worker.admitted[0]?.inputIds.length ?? 0),
      },
      background: false,
      instructions: 'Be brief.',
      max_output_tokens: null,
      max_tool_calls: null,
      metadata: { a: 'b' },
      parallel_tool_calls: true,
      previous_response_id: null,
      prompt_cache_key: null,
      reasoning: { effort: null, summary: null },
      safety_identifier: null,
      service_tier: 'default',
      store: true,
      temperature: null,
      text: { format: { type: 'text' } },
      tool_choice: 'auto',
      tools: [],
      top_logprobs: 0,
      top_p: null,
      truncation: 'disabled',
      user: 'u',
    })
    expect(asked(app)).toContain('Be brief.\n\nhello')
  })

  it('asks the worker what the same chat request would have asked', async () => {
    const app = await createTestApp()
    const settings = { temperature: 0.5, top_p: 0.9, seed: 7, top_k: 5 }
    await answered(app, { input: [question], max_output_tokens: 9, top_logprobs: 2, ...settings })
    await app.chat({
      messages: [question],
      max_tokens: 9,
      logprobs: true,
      top_logprobs: 2,
      ...settings,
    })
    const [response, chat] = app.worker.admitted
    expect(response?.inputIds).toEqual(chat?.inputIds)
    expect(response?.imageDigests).toEqual(chat?.imageDigests)
    const { request_id: _, ...parameters } = response?.parameters ?? {}
    expect(chat?.parameters).toMatchObject(parameters)
  })

  it('says that it is incomplete when the length ended it', async () => {
    const app = await createTestApp()
    app.worker.script = says('hel', 'length')
    expect(await answered(app, { input: 'a' })).toMatchObject({
      status: 'incomplete',
      completed_at: null,
      incomplete_details: { reason: 'max_output_tokens' },
      output: [{ type: 'message', status: 'incomplete', content: [{ text: 'hel' }] }],
    })
  })

  it('tells how likely tokens were when it is asked to', async () => {
    const app = await createTestApp()
    const likely: Script = () => {
      const counts = { prompt_tokens: 3, completion_tokens: 1, cached_tokens: 0, image_tokens: 0, images_cached: 0 }
      return [
        { type: 'tokens', ids: [tinyId('b')], logprobs: [-1] },
        { type: 'done', summary: { ...counts, finish_reason: 'stop' } },
      ]
    }
    app.worker.script = likely
    const response = await answered(app, { input: 'a', include: ['message.output_text.logprobs'] })
    expect(app.worker.admitted[0]?.parameters).toMatchObject({ logprobs: true, top_logprobs: 0 })
    const logprobs = [{ token: 'b', logprob: -1, bytes: [0x62], top_logprobs: [] }]
    expect(response.output).toMatchObject([{ content: [{ text: 'b', logprobs }] }])
  })

  it('gives an empty message for an empty answer', async () => {
    const app = await createTestApp()
    app.worker.script = says('')
    expect((await answered(app, { input: 'a' })).output).toMatchObject([{ type: 'message', content: [{ text: '' }] }])
  })

  it('can be counted before it is asked', async () => {
    const app = await createTestApp()
    const init = { method: 'POST', body: JSON.stringify({ model: TINY_MODEL, input: [question] }) }
    const counted = await (await app.request('/v1/responses/input_tokens', init)).json()
    expect(app.worker.admitted).toHaveLength(0)
    const { usage } = await answered(app, { input: [question] })
    expect(counted).toEqual({ object: 'response.input_tokens', input_tokens: usage?.input_tokens })
  })

  it('names fields that had no effect, by their place here', async () => {
    const app = await createTestApp()
    const part = { ...picture, caption: 'a dog' }
    const item = { role: 'user', content: [part], mood: 'curious' }
    const reply = await respond(app, { input: [item], frobnicate: 1 })
    const named = 'frobnicate, input[0].mood, input[0].content[0].caption'
    expect(reply.headers.get('x-loupe-warning')).toBe(`no effect: ${named}`)
  })
})

describe('what an answer has to be', () => {
  it('reaches the worker', async () => {
    const app = await createTestApp()
    app.worker.script = says('{}')
    const schema = { type: 'object', properties: {} }
    const response = await answered(app, { input: 'a', text: { format: { type: 'json_schema', name: 'x', schema } } })
    expect(app.worker.admitted[0]?.parameters.grammar).toEqual({ type: 'json_schema', schema: JSON.stringify(schema) })
    const format = { type: 'json_schema', name: 'x', description: null, schema, strict: false }
    expect(response.text.format).toEqual(format)
  })

  it('is blamed by its name here', async () => {
    const app = await createTestApp()
    app.worker.refusal = new AppError('grammar.invalid', 'Expected a schema.')
    const format = { type: 'json_schema', name: 'x', schema: { type: 'object', not: {} } }
    const reply = await respond(app, { input: 'a', text: { format } })
    expect(await errorOf(reply)).toMatchObject([
      400,
      { code: 'grammar.invalid', param: expect.stringMatching(/^text\.format\.schema/) },
    ])
  })
})

describe('a request that cannot be answered', () => {
  it.each([
    [{ input: 'a', background: true }, 'background'],
    [{ input: 'a', conversation: 'conv_1' }, 'conversation'],
    [{ input: 'a', prompt: { id: 'pmpt_1' } }, 'prompt'],
    [{ input: 'a', truncation: 'auto' }, 'truncation'],
    [{ input: 'a', reasoning: { effort: 'high' } }, 'reasoning'],
    [{ input: 'a', max_tool_calls: 3 }, 'max_tool_calls'],
    [{ input: 'a', n: 2 }, 'n'],
    [{ input: 'a', text: { verbosity: 'low' } }, 'text.verbosity'],
    [{ input: 'a', tools: [{ type: 'web_search' }] }, 'tools[0].type'],
    [{ input: 'a', tools: [{ type: 'custom', name: 'x' }] }, 'tools[0].type'],
    [{ input: 'a', tool_choice: { type: 'file_search' } }, 'tool_choice.type'],
    [{ input: [{ type: 'reasoning', id: 'rs_1', summary: [] }] }, 'input[0].type'],
    [{ input: [{ role: 'user', content: [{ type: 'input_audio' }] }] }, 'input[0].content[0].type'],
    [{ input: [{ role: 'assistant', content: [picture] }] }, 'input[0].content[0]'],
  ])('%j is refused by name', async (body, param) => {
    const app = await createTestApp()
    expect(await errorOf(await respond(app, body))).toMatchObject([400, { code: 'request.unsupported', param }])
    expect(app.worker.admitted).toHaveLength(0)
  })

  it.each([
    [{}, 'input'],
    [{ input: [] }, 'input'],
    [{ input: [{ role: 'user', content: [{ type: 'input_text' }] }] }, 'input[0].content[0].text'],
    [{ input: [{ role: 'user', content: [{ type: 'input_image' }] }] }, 'input[0].content[0]'],
    [{ input: 'a', max_output_tokens: 0 }, 'max_output_tokens'],
    [{ input: 'a', temperature: 3 }, 'temperature'],
    [{ input: 'a', metadata: { a: 1 } }, 'metadata.a'],
    [{ input: 'a', include: ['everything'] }, 'include[0]'],
    [{ input: 'a', tool_choice: { type: 'function', name: 'f' } }, 'tool_choice.name'],
    [{ input: [{ type: 'function_call_output', call_id: 'c', output: 'x' }] }, 'input[0].call_id'],
    [{ input: [question, { type: 'function_call', call_id: 'c', name: 'f', arguments: '[' }] }, 'input[1].arguments'],
  ])('%j is blamed where it is wrong', async (body, param) => {
    const app = await createTestApp()
    expect(await errorOf(await respond(app, body))).toMatchObject([400, { code: 'request.invalid', param }])
  })

  it('with a picture that is none is blamed where the picture is', async () => {
    const app = await createTestApp()
    const zero = { type: 'input_image', image_url: `data:image/png;base64,${btoa('\0')}` }
    const reply = await respond(app, { input: [{ role: 'user', content: [zero] }] })
    expect(await errorOf(reply)).toMatchObject([
      400,
      { code: 'image.malformed', param: 'input[0].content[0].image_url' },
    ])
  })

  it('with turns that do not alternate is blamed by its item', async () => {
    const app = await createTestApp()
    const reply = await respond(app, { instructions: 'x', input: [question, question] })
    expect(await errorOf(reply)).toMatchObject([400, { code: 'prompt.invalid', param: 'input[1].role' }])
  })
})

describe('a stored response', () => {
  const withKeys: TestAppOptions = { config: { apiKeys: ['key-a', 'key-b'], isOpen: false } }
  const as = (key: string) => ({ headers: { authorization: `Bearer ${key}` } })

  it('is what was answered, until it is deleted', async () => {
    const app = await createTestApp()
    const response = await answered(app, { input: 'hello' })
    const address = `/v1/responses/${response.id}`
    expect(await (await app.request(address)).json()).toEqual(response)
    const gone = await app.request(address, { method: 'DELETE' })
    expect(responseDeleted.parse(await gone.json())).toEqual({ id: response.id, object: 'response', deleted: true })
    for (const method of ['GET', 'DELETE']) {
      expect(await errorOf(await app.request(address, { method }))).toMatchObject([404, { code: 'response.unknown' }])
    }
    expect((await app.request(`${address}/input_items`)).status).toBe(404)
  })

  it('is not there with store false', async () => {
    const app = await createTestApp()
    const response = await answered(app, { input: 'hello', store: false })
    expect(response.store).toBe(false)
    expect((await app.request(`/v1/responses/${response.id}`)).status).toBe(404)
  })

  it("is another tenant's 404, to read, delete, list, go on with and refer to", async () => {
    const app = await createTestApp(withKeys)
    const response = responseObject.parse(await (await respond(app, { input: 'hello' }, as('key-a'))).json())
    const address = `/v1/responses/${response.id}`
    for (const init of [as('key-b'), { method: 'DELETE', ...as('key-b') }]) {
      expect((await app.request(address, init)).status).toBe(404)
    }
    expect((await app.request(`${address}/input_items`, as('key-b'))).status).toBe(404)
    const next = { input: 'more', previous_response_id: response.id }
    const stolen = { input: [{ type: 'item_reference', id: response.output[0]?.id }] }
    expect((await respond(app, next, as('key-b'))).status).toBe(400)
    expect((await respond(app, stolen, as('key-b'))).status).toBe(400)
    expect((await app.request(address, as('key-a'))).status).toBe(200)
    expect((await respond(app, next, as('key-a'))).status).toBe(200)
  })

  it('lists what its request held, in pages and both orders', async () => {
    const app = await createTestApp()
    const items = ['one', 'two', 'three'].map((content, at) => ({ role: at === 1 ? 'assistant' : 'user', content }))
    const { id } = await answered(app, { input: items })
    const list = async (query: string) =>
      responseItemList.parse(await (await app.request(`/v1/responses/${id}/input_items?${query}`)).json())
    const texts = ({ data }: Awaited<ReturnType<typeof list>>) =>
      data.map((item) => (item.type === 'message' ? item.content.map((part) => 'text' in part && part.text) : item))
    expect(texts(await list(''))).toEqual([['three'], ['two'], ['one']])
    const first = await list('order=asc&limit=2')
    expect([texts(first), first.has_more]).toEqual([[['one'], ['two']], true])
    const second = await list(`order=asc&limit=2&after=${first.last_id}`)
    expect([texts(second), second.has_more, second.first_id]).toEqual([[['three']], false, second.last_id])
    for (const query of ['limit=0', 'order=sideways', 'after=msg_none']) {
      expect((await app.request(`/v1/responses/${id}/input_items?${query}`)).status).toBe(400)
    }
  })

  it('keeps the picture as it was sent', async () => {
    const app = await createTestApp()
    const { id } = await answered(app, { input: [question] })
    const { data } = responseItemList.parse(await (await app.request(`/v1/responses/${id}/input_items`)).json())
    const held = { ...picture, file_id: null, detail: 'auto' }
    expect(data).toMatchObject([{ content: [{ type: 'input_text', text: 'What?' }, held] }])
  })

  it.each(['stream=true'])('is not given with %s', async (query) => {
    const app = await createTestApp()
    const { id } = await answered(app, { input: 'a' })
    expect(await errorOf(await app.request(`/v1/responses/${id}?${query}`))).toMatchObject([400, { param: 'stream' }])
  })

  it('is not compacted', async () => {
    const app = await createTestApp()
    const reply = await app.request('/v1/responses/compact', { method: 'POST' })
    expect(await errorOf(reply)).toMatchObject([400, { code: 'request.unsupported' }])
  })

  it('cannot be cancelled: it was never in the background', async () => {
    const app = await createTestApp()
    const reply = await app.request('/v1/responses/resp_1/cancel', { method: 'POST' })
    expect(await errorOf(reply)).toMatchObject([400, { code: 'request.unsupported' }])
  })

  it('takes no other methods', async () => {
    const app = await createTestApp()
    for (const [path, method, allow] of [
      ['/v1/responses', 'GET', 'POST'],
      ['/v1/responses/resp_1', 'PUT', 'GET, HEAD, DELETE'],
      ['/v1/responses/resp_1/input_items', 'POST', 'GET, HEAD'],
    ] as const) {
      const reply = await app.request(path, { method })
      expect([reply.status, reply.headers.get('allow')]).toEqual([405, allow])
    }
  })

  it('is nothing half: a failed and a cancelled answer are not stored', async () => {
    const responses = memoryResponseStore()
    const put = vi.spyOn(responses, 'put')
    const app = await createTestApp({ responses })
    app.worker.script = () => [{ type: 'tokens', ids: [tinyId('a')] }, new AppError('worker.timeout')]
    expect((await respond(app, { input: 'a' })).status).toBe(504)
    const { promise } = Promise.withResolvers<void>()
    app.worker.beforeEvent = () => promise
    const client = new AbortController()
    const asking = respond(app, { input: 'a' }, { signal: client.signal })
    await vi.waitFor(() => expect(app.worker.admitted).toHaveLength(2))
    client.abort()
    expect((await asking).status).toBe(499)
    expect(put).not.toHaveBeenCalled()
    app.worker.beforeEvent = () => Promise.resolve()
    app.worker.script = says('whole')
    await answered(app, { input: 'a' })
    expect(put).toHaveBeenCalledOnce()
  })
})
