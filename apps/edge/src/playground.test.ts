import { afterEach, describe, expect, it, vi } from 'vitest'
import { ask, count, listModels, preview } from '../playground/ask.js'
import { chatBody, cost } from '../playground/request.js'
import { fileMark, snippet } from '../playground/snippets.js'
import { TINY_MODEL } from './testing/fake-worker.ts'
import { createTestApp, type TestApp, type TestAppOptions } from './testing/test-app.ts'

/** The app, reached by the page's own `fetch`. */
async function open(options?: TestAppOptions): Promise<TestApp> {
  const app = await createTestApp(options)
  vi.stubGlobal('fetch', (path: string, init?: RequestInit) => app.request(path, init))
  return app
}

async function collect<T>(parts: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const part of parts) list.push(part)
  return list
}

const SETTINGS = {
  model: TINY_MODEL,
  system: '',
  temperature: '',
  top_p: '',
  top_k: '',
  max_tokens: '',
  seed: '',
  detail: 'auto',
  schema: '',
  price_in: '',
  price_out: '',
}
const PICTURE = `data:image/png;base64,${btoa('pq')}`
const body = chatBody(SETTINGS, [{ question: 'What?', pictures: [PICTURE] }])
const asking = (signal = new AbortController().signal) => ask(body, { key: '', signal })

describe('the page’s client', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it('finds the model and yields an answer as it is made, then its usage', async () => {
    await open()
    expect(await listModels('')).toMatchObject([{ id: TINY_MODEL, tokens_per_image: 4 }])
    const parts = await collect(asking())
    expect(parts.flatMap((part) => ('text' in part ? part.text : []))).toEqual(['h', 'e', 'l', 'l', 'o'])
    expect(parts[0]).toMatchObject({ terms: { requestId: expect.stringMatching(/^req_/), limits: '', warning: '' } })
    expect(parts).toContainEqual({ finish: 'stop' })
    expect(parts.at(-1)).toMatchObject({ usage: { completion_tokens: 5 } })
  })

  it('counts before it asks, and shows what the model sees', async () => {
    await open()
    const told = await count(body, { key: '' })
    const parts = await collect(asking())
    expect(parts.at(-1)).toMatchObject({ usage: { prompt_tokens: told.input_tokens } })
    const views = await preview({ model: TINY_MODEL, image: PICTURE, detail: 'low' }, { key: '' })
    expect(views).toMatchObject([{ kind: 'whole', width: 896, height: 896 }])
  })

  it('tells what is left of the limits of a key, and when to come back', async () => {
    const headers = {
      'retry-after': '3',
      'x-ratelimit-limit-requests': '5',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '3s',
    }
    const error = { message: 'Too many.', code: 'rate_limit_exceeded' }
    vi.stubGlobal('fetch', () => Promise.resolve(Response.json({ error }, { status: 429, headers })))
    const limits = '0 of 5 requests left, whole in 3s'
    await expect(listModels('')).rejects.toMatchObject({ status: 429, retryAfterS: 3, limits })
  })

  it('tells why it was refused, with the code and the request id', async () => {
    await open({ config: { isOpen: false, apiKeys: ['sk-a'] } })
    await expect(listModels('sk-b')).rejects.toMatchObject({
      message: 'The API key is not valid.',
      status: 401,
      code: 'invalid_api_key',
      requestId: expect.stringMatching(/^req_/),
    })
    expect(await listModels('sk-a')).toHaveLength(1)
  })

  it('tells a fault in the middle of an answer', async () => {
    const app = await open()
    app.worker.script = () => [{ type: 'tokens', ids: [300] }]
    await expect(collect(asking())).rejects.toMatchObject({ code: 'worker.lost' })
  })

  it('tells that the server cannot be reached, and not when it was stopped', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('failed')))
    await expect(listModels('')).rejects.toMatchObject({ message: 'The server cannot be reached.' })
    const stopped = AbortSignal.abort()
    vi.stubGlobal('fetch', () => Promise.reject(stopped.reason))
    await expect(collect(asking(stopped))).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('the body of a request', () => {
  it('has what is set, the pictures in their turns, and nothing else', () => {
    const settings = {
      ...SETTINGS,
      system: 'Be brief.',
      temperature: '0.5',
      seed: '0',
      detail: 'high',
      schema: '{"type":"string"}',
    }
    const exchanges = [
      { question: 'One?', pictures: ['data:a', 'data:b'], answer: 'Yes.' },
      { question: 'Two?', pictures: [] },
    ]
    const image = (url: string) => ({ type: 'image_url', image_url: { url, detail: 'high' } })
    expect(chatBody(settings, exchanges)).toEqual({
      model: TINY_MODEL,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: [image('data:a'), image('data:b'), { type: 'text', text: 'One?' }] },
        { role: 'assistant', content: 'Yes.' },
        { role: 'user', content: 'Two?' },
      ],
      temperature: 0.5,
      seed: 0,
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'answer', strict: true, schema: { type: 'string' } },
      },
    })
  })

  it('is not made of a schema that is no JSON', () => {
    expect(() => chatBody({ ...SETTINGS, schema: '{' }, [])).toThrow(/^The JSON schema cannot be read: /)
  })

  it.each([
    ['', '', ''],
    ['1', '', '0.001'],
    ['0.1', '0.4', '0.00030'],
    ['0', '0', '0'],
  ])('costs, at %s and %s for a million, %s', (price_in, price_out, told) => {
    const amount = cost({ ...SETTINGS, price_in, price_out }, { input: 1000, output: 500 })
    expect(amount === '' ? '' : Number(amount)).toBe(told === '' ? '' : Number(told))
  })
})

describe('a request as code', () => {
  const shown = {
    origin: 'https://loupe.example',
    body: chatBody({ ...SETTINGS, top_k: '3' }, [{ question: 'Is it `$5`, "true" or \\?', pictures: [fileMark(0)] }]),
    files: [{ name: "it's.png", type: 'image/png' }],
  }

  it('keeps the shell from reading the question, and lets it read the file', () => {
    const code = snippet('curl', shown)
    expect(code).toContain(String.raw`Is it \`\$5\`, \\"true\\" or \\\\?`)
    expect(code).toContain(String.raw`"data:image/png;base64,$(base64 < 'it'\''s.png' | tr -d '\n')"`)
  })

  it('gives Python what is no parameter of its library in extra_body', () => {
    const code = snippet('python', shown)
    expect(code).toContain('"url": picture("it\'s.png", "image/png"),')
    expect(code).toMatch(/extra_body=\{\n\s+"top_k": 3,\n\s+\},\n\s+stream=True/)
  })

  it('is TypeScript that reads the file', () => {
    const code = snippet('typescript', shown)
    expect(code).toContain('"url": await picture("it\'s.png", "image/png")')
    expect(code).toContain('"stream": true')
  })
})
