import { AppError } from '@loupe/shared/errors'
import { type ChatCompletionChunk, chatCompletion, chatCompletionChunk, errorReply } from '@loupe/shared/schema'
import { describe, expect, it, vi } from 'vitest'
import { type Script, says, TINY_MODEL } from '../testing/fake-worker.ts'
import { readChunks } from '../testing/read-events.ts'
import { createTestApp, type TestApp } from '../testing/test-app.ts'
import { tinyId } from '../testing/tiny-tokenizer.ts'

const hello = { messages: [{ role: 'user', content: 'hello' }] }
const streamed = { ...hello, stream: true }
const withUsage = { ...streamed, stream_options: { include_usage: true } }

const picture = { type: 'image_url', image_url: { url: `data:image/png;base64,${btoa('picture')}` } }

const chunksOf = async (app: TestApp, body: Record<string, unknown>) =>
  readChunks<ChatCompletionChunk>(await app.chat(body))

describe('a whole answer', () => {
  it('has every field that clients read (rules 11, 23)', async () => {
    const app = await createTestApp()
    const reply = await app.chat({ messages: [{ role: 'user', content: [picture, { type: 'text', text: 'What?' }] }] })
    expect(reply.status).toBe(200)
    expect(reply.headers.get('content-type')).toContain('application/json')
    const body = chatCompletion.parse(await reply.json())
    const promptTokens = app.worker.admitted[0]?.inputIds.length ?? 0
    expect(body).toMatchObject({
      id: `chatcmpl-${reply.headers.get('x-request-id')}`,
      model: TINY_MODEL,
      choices: [{ index: 0, message: { role: 'assistant', content: 'hello', refusal: null }, finish_reason: 'stop' }],
      usage: {
        prompt_tokens: promptTokens,
        completion_tokens: 5,
        total_tokens: promptTokens + 5,
        prompt_tokens_details: { cached_tokens: 3, image_tokens: 4 },
      },
    })
  })

  it('says when the length ended it (rule 8)', async () => {
    const app = await createTestApp()
    app.worker.script = says('hel', 'length')
    expect(await (await app.chat(hello)).json()).toMatchObject({ choices: [{ finish_reason: 'length' }] })
  })

  it('ends before a stop string', async () => {
    const app = await createTestApp()
    app.worker.script = says('one two three')
    const reply = await app.chat({ ...hello, stop: ['two', 'zero'] })
    expect(await reply.json()).toMatchObject({
      choices: [{ message: { content: 'one ' }, finish_reason: 'stop' }],
      usage: { completion_tokens: 7 },
    })
    expect(app.worker.left).toBe(1)
  })

  it('asks the worker for what the client asked for, and leaves the rest to the model', async () => {
    const app = await createTestApp()
    await app.chat({ ...hello, temperature: 0.5, top_p: 0.9, top_k: 5, seed: 7, max_tokens: 9, ignore_eos: true })
    await app.chat(hello)
    const [asked, plain] = app.worker.admitted.map(({ parameters }) => parameters)
    expect(asked).toMatchObject({ temperature: 0.5, top_p: 0.9, top_k: 5, seed: 7, max_tokens: 9, ignore_eos: true })
    expect(plain).toEqual({
      max_tokens: 64,
      tokenizer_digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      tenant: 'open',
      request_id: expect.stringMatching(/^req_/),
    })
  })

  it('stops the worker when the client leaves before it is there', async () => {
    const app = await createTestApp()
    const { promise } = Promise.withResolvers<void>()
    app.worker.beforeEvent = () => promise
    const client = new AbortController()
    const asking = app.chat(hello, { signal: client.signal })
    await vi.waitFor(() => expect(app.worker.admitted).toHaveLength(1))
    client.abort()
    expect((await asking).status).toBe(499)
    expect(app.worker.left).toBe(1)
  })
})

/** Two answers, mixed: `ab`, cut off, and `x`. */
const two: Script = () => {
  const says = (choice: number, letter: string) => ({ type: 'tokens', choice, ids: [tinyId(letter)] }) as const
  const counts = { prompt_tokens: 3, completion_tokens: 3, cached_tokens: 2, image_tokens: 0, images_cached: 0 }
  const ends = [
    { finish_reason: 'length', completion_tokens: 2 },
    { finish_reason: 'stop', completion_tokens: 1 },
  ] as const
  return [
    says(1, 'x'),
    says(0, 'a'),
    { type: 'end', choice: 1, summary: ends[1] },
    says(0, 'b'),
    { type: 'end', choice: 0, summary: ends[0] },
    { type: 'done', summary: { ...counts, finish_reason: 'length', choices: [...ends] } },
  ]
}

describe('several answers', () => {
  it('are choices in their order, counted together', async () => {
    const app = await createTestApp()
    app.worker.script = two
    const body = chatCompletion.parse(await (await app.chat({ ...hello, n: 2 })).json())
    expect(app.worker.admitted[0]?.parameters.n).toBe(2)
    expect(body.choices.map(({ index, message, finish_reason }) => [index, message.content, finish_reason])).toEqual([
      [0, 'ab', 'length'],
      [1, 'x', 'stop'],
    ])
    expect(body.usage).toMatchObject({ completion_tokens: 3, prompt_tokens_details: { cached_tokens: 2 } })
  })

  it('stream side by side, each with its role and its finish_reason once (rules 7, 8, 10)', async () => {
    const app = await createTestApp()
    app.worker.script = two
    const chunks = (await chunksOf(app, { ...withUsage, n: 2 })).map((chunk) => chatCompletionChunk.parse(chunk))
    const of = (index: number) => chunks.flatMap(({ choices }) => choices).filter((choice) => choice.index === index)
    for (const [index, text, reason] of [
      [0, 'ab', 'length'],
      [1, 'x', 'stop'],
    ] as const) {
      expect(of(index).map(({ delta }) => delta.role)).toEqual([
        'assistant',
        ...of(index)
          .slice(1)
          .map(() => undefined),
      ])
      expect(
        of(index)
          .map(({ delta }) => delta.content ?? '')
          .join(''),
      ).toBe(text)
      expect(
        of(index)
          .map(({ finish_reason }) => finish_reason)
          .filter(Boolean),
      ).toEqual([reason])
    }
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 3 } })
  })
})

describe('log probabilities', () => {
  const likely: Script = () => {
    const top = [
      [
        { id: tinyId('a'), logprob: -0.5 },
        { id: tinyId('b'), logprob: -1 },
      ],
    ]
    const counts = { prompt_tokens: 3, completion_tokens: 1, cached_tokens: 0, image_tokens: 0, images_cached: 0 }
    return [
      { type: 'tokens', ids: [tinyId('b')], logprobs: [-1], topLogprobs: top },
      { type: 'done', summary: { ...counts, finish_reason: 'stop' } },
    ]
  }
  const content = [
    {
      token: 'b',
      logprob: -1,
      bytes: [0x62],
      top_logprobs: [
        { token: 'a', logprob: -0.5, bytes: [0x61] },
        { token: 'b', logprob: -1, bytes: [0x62] },
      ],
    },
  ]

  it('have the shape of OpenAI, whole and streamed (rule 13)', async () => {
    const app = await createTestApp()
    app.worker.script = likely
    const asked = { ...hello, logprobs: true, top_logprobs: 2 }
    const body = chatCompletion.parse(await (await app.chat(asked)).json())
    expect(app.worker.admitted[0]?.parameters).toMatchObject({ logprobs: true, top_logprobs: 2 })
    expect(body.choices[0]?.logprobs).toEqual({ content, refusal: null })
    const chunks = await chunksOf(app, { ...asked, stream: true })
    expect(chunks.flatMap(({ choices }) => choices[0]?.logprobs?.content ?? [])).toEqual(content)
  })

  it('are null unless they were asked for', async () => {
    const app = await createTestApp()
    expect(chatCompletion.parse(await (await app.chat(hello)).json()).choices[0]?.logprobs).toBeNull()
    expect(app.worker.admitted[0]?.parameters).not.toHaveProperty('logprobs')
  })
})

describe('what an answer has to be', () => {
  it('reaches the worker with the other ways to sample', async () => {
    const app = await createTestApp()
    const sampling = { min_p: 0.1, presence_penalty: 1, frequency_penalty: -1, repetition_penalty: 1.2 }
    const response_format = { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' } } }
    await app.chat({ ...hello, ...sampling, logit_bias: { 7: -100 }, response_format })
    expect(app.worker.admitted[0]?.parameters).toMatchObject({
      ...sampling,
      logit_bias: { 7: -100 },
      grammar: { type: 'json_schema', schema: '{"type":"object"}' },
    })
  })

  it('says that the length has cut off what is no whole JSON (rule 24)', async () => {
    const app = await createTestApp()
    app.worker.script = says('{"a": [1, ', 'length')
    const response_format = {
      type: 'json_schema',
      json_schema: { name: 'x', strict: true, schema: { type: 'object' } },
    }
    expect(await (await app.chat({ ...hello, response_format })).json()).toMatchObject({
      choices: [{ message: { content: '{"a": [1, ' }, finish_reason: 'length' }],
    })
  })

  it.each(['grammar.invalid', 'grammar.too_complex'] as const)('is blamed by its field: %s', async (code) => {
    const app = await createTestApp()
    app.worker.refusal = new AppError(code, 'Lookahead is not supported yet.')
    const reply = await app.chat({ ...hello, structured_outputs: { regex: '(?=a)' } })
    expect([reply.status, await reply.json()]).toMatchObject([
      400,
      { error: { code, param: 'structured_outputs.regex', type: 'invalid_request_error' } },
    ])
  })
})

describe('a model that takes no pictures', () => {
  const model = { has_vision: false, image_token_id: -1, boi_token_id: -1, eoi_token_id: -1, tokens_per_image: 0 }

  it('answers text, and refuses a picture before it is looked at', async () => {
    const app = await createTestApp({ model })
    expect((await app.chat(hello)).status).toBe(200)
    const reply = await app.chat({ messages: [{ role: 'user', content: [picture] }] })
    expect(reply.status).toBe(400)
    expect(await reply.json()).toMatchObject({
      error: { code: 'request.unsupported', param: 'messages[0].content[0].image_url' },
    })
    expect(app.decoded).toHaveLength(0)
  })
})

describe('the request', () => {
  it('may hold nulls, tools: [] and unknown fields, which are named in a warning header (rule 6)', async () => {
    const app = await createTestApp()
    const reply = await app.chat({ ...hello, max_tokens: null, stop: null, tools: [], mirostat: 2, 'x\r\ny': 1 })
    expect(reply.status).toBe(200)
    expect(reply.headers.get('x-loupe-warning')).toBe('no effect: mirostat, x??y')
  })

  it.each([
    ['a schema fault', { messages: [] }, 'request.invalid', 'messages'],
    ['a feature that is not offered', { ...hello, best_of: 2 }, 'request.unsupported', 'best_of'],
    [
      'a late system message',
      {
        messages: [
          { role: 'system', content: 'be brief' },
          { role: 'developer', content: 'and kind' },
          hello.messages[0],
          { role: 'developer', content: 'be long' },
        ],
      },
      'prompt.invalid',
      'messages[3].role',
    ],
    [
      'two questions after two system messages',
      {
        messages: [
          { role: 'system', content: 'be brief' },
          { role: 'system', content: 'and kind' },
          hello.messages[0],
          hello.messages[0],
        ],
      },
      'prompt.invalid',
      'messages[3].role',
    ],
    [
      'turns that do not alternate',
      { messages: [hello.messages[0], hello.messages[0]] },
      'prompt.invalid',
      'messages[1].role',
    ],
  ])('%s is 400 with the part at fault (rules 14, 16)', async (_, body, code, param) => {
    const app = await createTestApp()
    const reply = await app.chat(body)
    expect(reply.status).toBe(400)
    expect(errorReply.parse(await reply.json())).toMatchObject({
      error: { code, param, type: 'invalid_request_error' },
    })
    expect(reply.headers.get('x-should-retry')).toBe('false')
    expect(app.worker.admitted).toHaveLength(0)
  })

  it('may begin with several instructions, which are read as one', async () => {
    const app = await createTestApp()
    const instructions = [
      { role: 'system', content: 'be brief' },
      {
        role: 'developer',
        content: [
          { type: 'text', text: 'and ' },
          { type: 'text', text: 'kind' },
        ],
      },
    ]
    await app.chat({ messages: [...instructions, ...hello.messages] })
    await app.chat({ messages: [{ role: 'system', content: 'be brief\n\nand kind' }, ...hello.messages] })
    const [several, one] = app.worker.admitted.map(({ inputIds }) => inputIds)
    expect(several).toEqual(one)
  })

  it('for an unknown model is 404 model_not_found (rule 16)', async () => {
    const app = await createTestApp()
    const reply = await app.chat({ ...hello, model: 'gpt-9' })
    expect(reply.status).toBe(404)
    expect(await reply.json()).toMatchObject({ error: { code: 'model_not_found', param: 'model' } })
  })

  it('that does not fit the context is 400 context_length_exceeded (rule 16)', async () => {
    const app = await createTestApp()
    for (const body of [
      { messages: [{ role: 'user', content: 'x'.repeat(600) }] },
      { ...hello, max_tokens: 510 },
      { messages: [{ role: 'user', content: 'x'.repeat(2_000_001) }] },
    ]) {
      const reply = await app.chat(body)
      expect(reply.status).toBe(400)
      expect(await reply.json()).toMatchObject({ error: { code: 'context_length_exceeded' } })
    }
    expect(app.worker.admitted).toHaveLength(0)
  })

  it('when the worker is down is 503 with a wait, before the first byte (rules 15, 17)', async () => {
    const app = await createTestApp()
    app.worker.isDown = true
    for (const body of [hello, streamed]) {
      const reply = await app.chat(body)
      expect(reply.status).toBe(503)
      expect(reply.headers.get('retry-after')).toBe('1')
      expect(reply.headers.get('retry-after-ms')).toBe('1000')
      expect(await reply.json()).toMatchObject({
        error: { code: 'worker.unavailable', message: 'The model worker cannot be reached.' },
      })
    }
  })

  it('when the queue is full is 429 with the worker’s own wait (rules 17, 19)', async () => {
    const app = await createTestApp()
    app.worker.script = () => {
      throw new AppError('queue.full')
    }
    const reply = await app.chat(streamed)
    expect(reply.status).toBe(429)
    expect(reply.headers.get('retry-after-ms')).toBe('1000')
    expect(await reply.json()).toMatchObject({ error: { type: 'rate_limit_error' } })
  })
})
