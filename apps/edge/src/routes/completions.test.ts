import { AppError } from '@loupe/shared/errors'
import { type TextCompletion, textCompletion } from '@loupe/shared/schema'
import { describe, expect, it, vi } from 'vitest'
import { type Script, says, TINY_MODEL } from '../testing/fake-worker.ts'
import { readChunks, readEvents } from '../testing/read-events.ts'
import { createTestApp, type TestApp } from '../testing/test-app.ts'
import { TINY_IDS, tinyId, tinyTokenizer } from '../testing/tiny-tokenizer.ts'

const complete = (app: TestApp, body: Readonly<Record<string, unknown>>, init?: RequestInit) =>
  app.request('/v1/completions', { method: 'POST', body: JSON.stringify({ model: TINY_MODEL, ...body }), ...init })

async function completed(app: TestApp, body: Readonly<Record<string, unknown>>): Promise<TextCompletion> {
  const reply = await complete(app, body)
  expect(reply.status).toBe(200)
  return textCompletion.parse(await reply.json())
}

const errorOf = async (reply: Response) => [reply.status, ((await reply.json()) as { error: object }).error]

/** Says the prompt once more. */
const parrot: Script = (request) => says(tinyTokenizer.decode(request.inputIds, { skipSpecial: true }))(request)

const textsOf = ({ choices }: TextCompletion) => choices.map(({ text }) => text)

describe('POST /v1/completions', () => {
  it('has every field that clients read', async () => {
    const app = await createTestApp()
    const body = await completed(app, { prompt: 'abc' })
    expect(body).toEqual({
      id: expect.stringMatching(/^cmpl-req_/),
      object: 'text_completion',
      created: expect.any(Number),
      model: TINY_MODEL,
      system_fingerprint: expect.stringMatching(/^fp_/),
      choices: [{ index: 0, text: 'hello', logprobs: null, finish_reason: 'stop' }],
      usage: {
        prompt_tokens: 4,
        completion_tokens: 5,
        total_tokens: 9,
        prompt_tokens_details: { cached_tokens: 3, image_tokens: 0 },
      },
    })
  })

  it('asks with the text and the first token of every text, with no template', async () => {
    const app = await createTestApp()
    await completed(app, { prompt: 'a<eos>b' })
    await completed(app, { prompt: 'ab', add_special_tokens: false })
    const [first, second] = app.worker.admitted.map(({ inputIds }) => [...inputIds])
    expect(first).toEqual([TINY_IDS.bos, ...Array.from('a<eos>b', tinyId)])
    expect(second).toEqual([tinyId('a'), tinyId('b')])
  })

  it('takes ids as they are, control tokens among them', async () => {
    const app = await createTestApp()
    await completed(app, { prompt: [TINY_IDS.bos, TINY_IDS.turn, tinyId('x')] })
    expect(app.worker.admitted[0]?.inputIds).toEqual(Int32Array.of(TINY_IDS.bos, TINY_IDS.turn, tinyId('x')))
  })

  it('answers with 16 tokens at most unless it is told otherwise, as OpenAI has it', async () => {
    const app = await createTestApp()
    await completed(app, { prompt: 'a' })
    await completed(app, { prompt: 'a', max_tokens: 3, temperature: 0, seed: 4, top_k: 2, guided_regex: 'a+' })
    expect(app.worker.admitted.map(({ parameters }) => parameters.max_tokens)).toEqual([16, 3])
    const grammar = { type: 'regex', pattern: 'a+' }
    expect(app.worker.admitted[1]?.parameters).toMatchObject({ temperature: 0, seed: 4, top_k: 2, grammar })
  })

  it('puts the prompt in front with echo', async () => {
    const app = await createTestApp()
    expect(textsOf(await completed(app, { prompt: 'abc ', echo: true }))).toEqual(['abc hello'])
    const ids = [TINY_IDS.bos, tinyId('x')]
    expect(textsOf(await completed(app, { prompt: ids, echo: true }))).toEqual(['xhello'])
  })

  it('says when the length ended it', async () => {
    const app = await createTestApp()
    app.worker.script = says('hel', 'length')
    expect(await completed(app, { prompt: 'a' })).toMatchObject({ choices: [{ text: 'hel', finish_reason: 'length' }] })
  })

  it('ends before a stop string', async () => {
    const app = await createTestApp()
    app.worker.script = says('one two')
    expect(textsOf(await completed(app, { prompt: 'a', stop: 'two' }))).toEqual(['one '])
  })
})

describe('several prompts', () => {
  it('are answered each, in their order, and counted together', async () => {
    const app = await createTestApp()
    app.worker.script = parrot
    const prompt = ['a', 'bb', 'ccc', 'd', 'e', 'f', 'g']
    const body = await completed(app, { prompt })
    expect(textsOf(body)).toEqual(prompt)
    expect(body.choices.map(({ index }) => index)).toEqual(prompt.map((_, at) => at))
    expect(body.usage).toMatchObject({ prompt_tokens: 17, completion_tokens: 10 })
    expect(body.usage?.prompt_tokens_details?.cached_tokens).toBe(3 * prompt.length)
  })

  it('may be ids', async () => {
    const app = await createTestApp()
    app.worker.script = parrot
    expect(textsOf(await completed(app, { prompt: [[tinyId('a')], [tinyId('b')]] }))).toEqual(['a', 'b'])
  })

  it('have n choices each: those of the second prompt follow those of the first', async () => {
    const app = await createTestApp()
    app.worker.script = ({ inputIds, parameters }) => {
      const id = inputIds.at(-1) ?? 0
      const choices = Array.from({ length: parameters.n ?? 1 }, (_, choice) => choice)
      const end = { finish_reason: 'stop', completion_tokens: 1 } as const
      const counts = { prompt_tokens: 2, completion_tokens: 2, cached_tokens: 0, image_tokens: 0, images_cached: 0 }
      return [
        ...choices.map((choice) => ({ type: 'tokens', choice, ids: [id + choice] }) as const),
        ...choices.map((choice) => ({ type: 'end', choice, summary: end }) as const),
        { type: 'done', summary: { ...counts, finish_reason: 'stop', choices: choices.map(() => end) } },
      ]
    }
    const body = await completed(app, { prompt: ['a', 'x'], n: 2, best_of: 2 })
    expect(textsOf(body)).toEqual(['a', 'b', 'x', 'y'])
  })

  it('run a few at a time, and the others are left when one fails', async () => {
    const app = await createTestApp()
    const { promise, resolve } = Promise.withResolvers<void>()
    app.worker.beforeEvent = () => promise
    app.worker.script = () => [new AppError('worker.timeout')]
    const asking = complete(app, { prompt: ['a', 'b', 'c', 'd', 'e', 'f'] })
    await vi.waitFor(() => expect(app.worker.admitted).toHaveLength(4))
    resolve()
    expect((await asking).status).toBe(504)
    expect(app.worker.admitted).toHaveLength(4)
  })

  it('start nothing when one of them cannot be read', async () => {
    const app = await createTestApp()
    const reply = await complete(app, { prompt: [[tinyId('a')], [100_000]] })
    const error = { code: 'prompt.invalid_token', param: 'prompt[1][0]' }
    expect(await errorOf(reply)).toMatchObject([400, error])
    expect(app.worker.admitted).toHaveLength(0)
  })
})

describe('a streamed completion', () => {
  it('has texts and one reason for each choice, then [DONE]', async () => {
    const app = await createTestApp()
    app.worker.script = parrot
    const body = { prompt: ['ab', 'c'], stream: true, echo: true, stream_options: { include_usage: true } }
    const reply = await complete(app, body)
    const events = await readEvents(reply.clone())
    expect(events.at(-1)).toBe('[DONE]')
    const chunks = (await readChunks<TextCompletion>(reply)).map((chunk) => textCompletion.parse(chunk))
    const texts = ['', '']
    const reasons: unknown[][] = [[], []]
    for (const { index, text, finish_reason: reason } of chunks.flatMap(({ choices }) => choices)) {
      texts[index] += text
      if (reason !== null) reasons[index]?.push(reason)
    }
    expect(texts).toEqual(['abab', 'cc'])
    expect(reasons).toEqual([['stop'], ['stop']])
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true)
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 3 } })
  })

  it('counts tokens in every chunk when it is asked to', async () => {
    const app = await createTestApp()
    const body = { prompt: 'a', stream: true, stream_options: { continuous_usage_stats: true } }
    const chunks = await readChunks<TextCompletion>(await complete(app, body))
    expect(chunks.map(({ usage }) => usage?.completion_tokens)).toEqual([1, 2, 3, 4, 5, 5])
  })

  it('stops the worker when its reader leaves', async () => {
    const app = await createTestApp()
    const reader = (await complete(app, { prompt: ['a', 'b'], stream: true })).body?.getReader()
    await reader?.read()
    await reader?.cancel()
    await vi.waitFor(() => expect(app.worker.left).toBe(2))
  })

  it('tells a fault in its middle and no [DONE]', async () => {
    const app = await createTestApp()
    app.worker.script = () => [{ type: 'tokens', ids: [tinyId('a')] }, new AppError('worker.timeout')]
    const events = await readEvents(await complete(app, { prompt: 'a', stream: true }))
    expect(events).not.toContain('[DONE]')
    expect(JSON.parse(events.at(-1) ?? '')).toMatchObject({ error: { code: 'worker.timeout' } })
  })
})

describe('log probabilities', () => {
  const halves = new TextEncoder().encode('\u00e9')
  const byteId = (byte = 0) => tinyId(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)
  const likely: Script = () => {
    const ids = [tinyId('a'), byteId(halves[0]), byteId(halves[1]), tinyId('b')]
    const top = ids.map(() => [{ id: tinyId('z'), logprob: -0.5 }])
    const counts = { prompt_tokens: 3, completion_tokens: 4, cached_tokens: 0, image_tokens: 0, images_cached: 0 }
    return [
      { type: 'tokens', ids, logprobs: [-1, -2, -3, -4], topLogprobs: top },
      { type: 'done', summary: { ...counts, finish_reason: 'stop' } },
    ]
  }
  const lists = {
    tokens: ['a', 'bytes:\\xc3', 'bytes:\\xa9', 'b'],
    token_logprobs: [-1, -2, -3, -4],
    top_logprobs: [
      { z: -0.5, a: -1 },
      { z: -0.5, 'bytes:\\xc3': -2 },
      { z: -0.5, 'bytes:\\xa9': -3 },
      { z: -0.5, b: -4 },
    ],
    text_offset: [0, 1, 1, 2],
  }

  it('are four lists, whole and streamed', async () => {
    const app = await createTestApp()
    app.worker.script = likely
    const body = await completed(app, { prompt: 'x', logprobs: 1 })
    expect(app.worker.admitted[0]?.parameters).toMatchObject({ logprobs: true, top_logprobs: 1 })
    expect(body.choices).toEqual([{ index: 0, text: 'a\u00e9b', logprobs: lists, finish_reason: 'stop' }])
    const chunks = await readChunks<TextCompletion>(await complete(app, { prompt: 'x', logprobs: 1, stream: true }))
    expect(chunks.flatMap(({ choices }) => choices[0]?.logprobs?.text_offset ?? [])).toEqual(lists.text_offset)
  })
})

describe('a request that cannot be answered', () => {
  it.each([
    [{ prompt: 'a', suffix: 'b' }, 'suffix'],
    [{ prompt: 'a', best_of: 3 }, 'best_of'],
    [{ prompt: 'a', messages: [] }, 'messages'],
    [{ prompt: 'a', tools: [] }, 'tools'],
    [{ prompt: 'a', echo: true, logprobs: 1 }, 'echo'],
    [{ prompt: 'a', prompt_logprobs: 1 }, 'prompt_logprobs'],
  ])('%j is refused by name', async (body, param) => {
    const app = await createTestApp()
    expect(await errorOf(await complete(app, body))).toMatchObject([400, { code: 'request.unsupported', param }])
  })

  it.each([
    [{}, 'prompt'],
    [{ prompt: [] }, 'prompt'],
    [{ prompt: '', add_special_tokens: false }, 'prompt'],
    [{ prompt: [-1] }, 'prompt[0]'],
    [{ prompt: [1.5] }, 'prompt[0]'],
    [{ prompt: 'a', logprobs: 21 }, 'logprobs'],
    [{ prompt: 'a', logprobs: true }, 'logprobs'],
    [{ prompt: 'a', max_tokens: 0 }, 'max_tokens'],
  ])('%j is blamed where it is wrong', async (body, param) => {
    const app = await createTestApp()
    expect(await errorOf(await complete(app, body))).toMatchObject([400, { code: 'request.invalid', param }])
  })

  it('with too long a prompt says which', async () => {
    const app = await createTestApp()
    const reply = await complete(app, { prompt: ['a', 'b'.repeat(600)] })
    expect(await errorOf(reply)).toMatchObject([400, { code: 'context_length_exceeded', param: 'prompt[1]' }])
    expect(app.worker.left).toBe(1)
  })

  it('by another method is 405', async () => {
    const app = await createTestApp()
    expect((await app.request('/v1/completions')).status).toBe(405)
  })
})
