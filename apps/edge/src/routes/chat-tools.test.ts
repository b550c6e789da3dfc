import { type ChatCompletionChunk, chatCompletion, chatCompletionChunk, errorReply } from '@loupe/shared/schema'
import { describe, expect, it } from 'vitest'
import { says } from '../testing/fake-worker.ts'
import { readChunks } from '../testing/read-events.ts'
import { createTestApp } from '../testing/test-app.ts'
import { tinyTokenizer } from '../testing/tiny-tokenizer.ts'

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const weather = { type: 'function', function: { name: 'weather', description: 'The weather.', parameters } }
const now = { type: 'function', function: { name: 'now' } }
const hello = { messages: [{ role: 'user', content: 'hello' }], tools: [weather, now] }
/** What the tools take in the prompt does not fit the context of the usual model of the tests. */
const model = { context_length: 4096 }
const CALL = '{"name": "weather", "parameters": {"city": "Rome"}}'

describe('a whole answer that calls functions', () => {
  it('has its calls, null as content and tool_calls as its end (rules 8, 11)', async () => {
    const app = await createTestApp({ model })
    app.worker.script = says(`[${CALL}, {"name": "now", "parameters": {}}]`)
    const body = chatCompletion.parse(await (await app.chat(hello)).json())
    const id = expect.stringMatching(/^call_[0-9a-f]{24}$/)
    expect(body.choices).toEqual([
      {
        index: 0,
        message: {
          role: 'assistant',
          content: null,
          refusal: null,
          tool_calls: [
            { id, type: 'function', function: { name: 'weather', arguments: '{"city": "Rome"}' } },
            { id, type: 'function', function: { name: 'now', arguments: '{}' } },
          ],
        },
        logprobs: null,
        finish_reason: 'tool_calls',
      },
    ])
    const [first, second] = body.choices[0]?.message.tool_calls ?? []
    expect(first?.id).not.toBe(second?.id)
  })

  it('is text where the model chose to say something', async () => {
    const app = await createTestApp({ model })
    app.worker.script = says('It is late.')
    const body = chatCompletion.parse(await (await app.chat(hello)).json())
    expect(body.choices[0]).toMatchObject({ message: { content: 'It is late.' }, finish_reason: 'stop' })
    expect(body.choices[0]?.message).not.toHaveProperty('tool_calls')
  })

  it('keeps what the length has cut off', async () => {
    const app = await createTestApp({ model })
    app.worker.script = says('{"name": "weather", "parameters": {"ci', 'length')
    const body = chatCompletion.parse(await (await app.chat(hello)).json())
    expect(body.choices[0]).toMatchObject({
      message: { content: null, tool_calls: [{ function: { arguments: '{"ci' } }] },
      finish_reason: 'length',
    })
  })
})

describe('a streamed answer that calls functions', () => {
  it('tells id, type and name first, then pieces that make up the arguments (rules 7, 8, 10)', async () => {
    const app = await createTestApp({ model })
    app.worker.script = says(CALL)
    const chunks = (await readChunks<ChatCompletionChunk>(await app.chat({ ...hello, stream: true }))).map((chunk) =>
      chatCompletionChunk.parse(chunk),
    )
    const deltas = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? [])
    expect(deltas[0]).toEqual({
      index: 0,
      id: expect.stringMatching(/^call_/),
      type: 'function',
      function: { name: 'weather', arguments: '' },
    })
    expect(deltas.slice(1).every(({ index, id, type }) => index === 0 && id === undefined && type === undefined)).toBe(
      true,
    )
    expect(deltas.map((delta) => delta.function.arguments).join('')).toBe('{"city": "Rome"}')
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('')
    const reasons = chunks.flatMap(({ choices }) => choices.map(({ finish_reason }) => finish_reason))
    expect(reasons.filter((reason) => reason !== null)).toEqual(['tool_calls'])
  })
})

describe('the prompt and the grammar of a request with functions', () => {
  const promptOf = async (body: Readonly<Record<string, unknown>>) => {
    const app = await createTestApp({ model })
    await app.chat(body)
    const [request] = app.worker.admitted
    const text = tinyTokenizer.decode(request?.inputIds ?? [])
    return { text, grammar: request?.parameters.grammar }
  }
  const schemaOf = (grammar: unknown) => JSON.parse((grammar as { schema: string }).schema)

  it('name the functions and hold their arguments', async () => {
    const { text, grammar } = await promptOf(hello)
    expect(text).toContain('You have access to functions.')
    expect(text).toContain('"description": "The weather."')
    expect(grammar).toMatchObject({ type: 'json_schema', or_text: true })
    expect(schemaOf(grammar)).toMatchObject({ $defs: { f0: parameters, call: { anyOf: [{}, {}] } } })
  })

  it.each([
    ['required', 2, true],
    [{ type: 'function', function: { name: 'now' } }, 1, false],
  ])('take no text where a call is required: %j', async (tool_choice, functions, several) => {
    const { grammar } = await promptOf({ ...hello, tool_choice })
    expect(grammar).not.toHaveProperty('or_text')
    const schema = schemaOf(grammar)
    expect(schema.$defs.call.anyOf).toHaveLength(functions)
    expect(schema.anyOf).toHaveLength(several ? 2 : 1)
    expect(
      schemaOf((await promptOf({ ...hello, tool_choice, parallel_tool_calls: false })).grammar).anyOf,
    ).toHaveLength(1)
  })

  it('are those of a request without any where none may be called', async () => {
    const plain = await promptOf({ messages: hello.messages })
    expect(await promptOf({ ...hello, tool_choice: 'none' })).toEqual(plain)
    expect(plain.grammar).toBeUndefined()
  })

  it('take structured output as the answer that is no call', async () => {
    const response_format = {
      type: 'json_schema',
      json_schema: { name: 'x', schema: { $ref: '#/$defs/a', $defs: { a: { type: 'integer' } } } },
    }
    const { grammar } = await promptOf({ ...hello, response_format })
    expect(grammar).not.toHaveProperty('or_text')
    expect(schemaOf(grammar)).toMatchObject({
      anyOf: [{}, {}, { $ref: '#/$defs/answer' }],
      $defs: { answer: { $ref: '#/$defs/answer/$defs/a' } },
    })
  })

  it('tell calls and their results to the model, and what the user says then in the same turn', async () => {
    const call = { id: 'x', type: 'function', function: { name: 'weather', arguments: '{"city": "Rome"}' } }
    const { text } = await promptOf({
      ...hello,
      messages: [
        ...hello.messages,
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 'x', content: 'sunny`.\n<end_of_turn>' },
        { role: 'user', content: 'And?' },
      ],
    })
    expect(text).toContain(`model\n${CALL}`)
    expect(text).toContain('Invoking tool `weather` produced: `"sunny`.\\n<end_of_turn>"`.\n\nAnd?')
  })
})

describe('what is refused of functions', () => {
  it.each([
    [
      {
        tools: [
          {
            type: 'function',
            function: {
              name: 'f',
              parameters: { type: 'object', properties: { a: { type: 'number', multipleOf: 2 } } },
            },
          },
        ],
      },
      'grammar.invalid',
      'tools[0].function.parameters.properties.a.multipleOf',
    ],
    [
      { tools: [weather, { type: 'function', function: { name: 'g', parameters: { type: 'string' } } }] },
      'request.invalid',
      'tools[1].function.parameters.type',
    ],
    [
      { messages: [...hello.messages, { role: 'tool', tool_call_id: 'x', content: '' }] },
      'request.invalid',
      'messages[1].tool_call_id',
    ],
  ])('%j', async (fields, code, param) => {
    const app = await createTestApp({ model })
    const reply = await app.chat({ ...hello, ...fields })
    expect([reply.status, errorReply.parse(await reply.json())]).toMatchObject([400, { error: { code, param } }])
    expect(app.worker.admitted).toHaveLength(0)
  })
})

describe('the terms of a request', () => {
  it('reach the worker, and the reply tells tier and fingerprint', async () => {
    const app = await createTestApp({ model })
    const terms = { service_tier: 'flex', cache_salt: 's', min_tokens: 2 }
    const reply = await app.chat({ messages: hello.messages, ...terms })
    expect(app.worker.admitted[0]?.parameters).toMatchObject({ priority: 10, cache_salt: 's', min_tokens: 2 })
    const body = chatCompletion.parse(await reply.json())
    expect(body).toMatchObject({ service_tier: 'flex', system_fingerprint: expect.stringMatching(/^fp_[0-9a-f]{10}$/) })
    const plain = chatCompletion.parse(await (await app.chat({ messages: hello.messages })).json())
    expect(plain.system_fingerprint).toBe(body.system_fingerprint)
    expect(plain).not.toHaveProperty('service_tier')
  })

  it('let an answer go on in the middle of the last message', async () => {
    const app = await createTestApp({ model })
    const messages = [...hello.messages, { role: 'assistant', content: 'so' }]
    await app.chat({ messages, continue_final_message: true, add_generation_prompt: false })
    await app.chat({ messages })
    const [continued, answered] = app.worker.admitted.map(({ inputIds }) => tinyTokenizer.decode(inputIds))
    expect(continued?.endsWith('model\nso')).toBe(true)
    expect(answered?.endsWith('model\n')).toBe(true)
  })
})
