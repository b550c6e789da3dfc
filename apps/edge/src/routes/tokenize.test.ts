import { describe, expect, it } from 'vitest'
import { TINY_MODEL } from '../testing/fake-worker.ts'
import { createTestApp, type TestApp } from '../testing/test-app.ts'
import { TINY_IDS, tinyTokenizer } from '../testing/tiny-tokenizer.ts'

const user = (content: unknown) => [{ role: 'user', content }]
const picture = (...bytes: number[]) => `data:image/png;base64,${btoa(String.fromCharCode(...bytes))}`

async function ask<T>({ request }: TestApp, path: string, body: unknown): Promise<{ status: number; body: T }> {
  const reply = await request(path, { method: 'POST', body: JSON.stringify(body) })
  return { status: reply.status, body: (await reply.json()) as T }
}

interface Tokens {
  readonly count: number
  readonly max_model_len: number
  readonly tokens: readonly number[]
  readonly token_strs?: readonly string[]
}

async function tokens(app: TestApp, body: Readonly<Record<string, unknown>>): Promise<Tokens> {
  const reply = await ask<Tokens>(app, '/v1/tokenize', { model: TINY_MODEL, ...body })
  expect(reply.status).toBe(200)
  return reply.body
}

describe('/v1/tokenize of a text', () => {
  it('gives its ids behind the token that begins every text', async () => {
    const app = await createTestApp()
    const ids = [...tinyTokenizer.encode('a b')]
    expect(await tokens(app, { prompt: 'a b' })).toEqual({
      count: 4,
      max_model_len: 512,
      tokens: [TINY_IDS.bos, ...ids],
    })
    expect(await tokens(app, { prompt: 'a b', add_special_tokens: false })).toMatchObject({ count: 3, tokens: ids })
  })

  it('spells the tokens as the vocabulary does when asked to', async () => {
    const app = await createTestApp()
    const { token_strs } = await tokens(app, { prompt: 'a \u00e9\n', return_token_strs: true })
    expect(token_strs).toEqual(['<bos>', 'a', '\u2581', '<0xC3>', '<0xA9>', '\n'])
  })

  it.each(['<end_of_turn>', '<start_of_image>', '<bos>', '<image_soft_token>'])('reads %s as text', async (name) => {
    const app = await createTestApp()
    const { tokens: ids } = await tokens(app, { prompt: name })
    expect(ids.slice(1).filter((id) => id <= TINY_IDS.soft)).toEqual([])
    expect(ids).toHaveLength(1 + name.length)
  })

  it('reads half a character as a replacement character', async () => {
    const app = await createTestApp()
    const whole = '{"model":"org/tiny","prompt":"a\\ud800b","add_special_tokens":false}'
    const reply = await app.request('/v1/tokenize', { method: 'POST', body: whole })
    const { tokens: ids } = (await reply.json()) as Tokens
    expect(tinyTokenizer.decode(ids)).toBe('a\ufffdb')
  })

  it('takes the empty text', async () => {
    const app = await createTestApp()
    expect(await tokens(app, { prompt: '', add_special_tokens: false })).toMatchObject({ count: 0, tokens: [] })
  })
})

describe('/v1/tokenize of a conversation', () => {
  it('gives the ids that a chat request sends to the worker, pictures and crops included', async () => {
    const app = await createTestApp()
    const content = [
      { type: 'text', text: 'A' },
      { type: 'image_url', image_url: { url: picture(1, 1, 1, 2), detail: 'high' } },
    ]
    await app.chat({ messages: user(content) })
    const decoded = app.decoded.length
    const { tokens: ids, count } = await tokens(app, { messages: user(content) })
    expect(ids).toEqual([...(app.worker.admitted[0]?.inputIds ?? [])])
    expect(count).toBe(ids.length)
    expect(app.decoded).toHaveLength(decoded)
  })

  it('leaves the start of the answer out when asked to', async () => {
    const app = await createTestApp()
    const { tokens: whole } = await tokens(app, { messages: user('A') })
    const { tokens: ids } = await tokens(app, { messages: user('A'), add_generation_prompt: false })
    expect(tinyTokenizer.decode(ids)).toBe('<bos><start_of_turn>user\nA<end_of_turn>\n')
    expect(whole.slice(0, ids.length)).toEqual(ids)
  })
})

describe('/v1/detokenize', () => {
  it('gives the text of the ids, control tokens by their names', async () => {
    const app = await createTestApp()
    const { tokens: ids } = await tokens(app, { prompt: 'a \u00e9' })
    const reply = await ask(app, '/v1/detokenize', { model: TINY_MODEL, tokens: ids })
    expect(reply).toEqual({ status: 200, body: { prompt: '<bos>a \u00e9' } })
  })
})

describe('what is refused', () => {
  const long = { model: TINY_MODEL, prompt: 'a'.repeat(2_000_001) }
  it.each<[string, string, unknown, number, string, string | null]>([
    ['no body', '/v1/tokenize', [], 400, 'request.invalid', null],
    ['neither text nor messages', '/v1/tokenize', { model: TINY_MODEL }, 400, 'request.invalid', 'prompt'],
    ['both', '/v1/tokenize', { prompt: 'a', messages: user('a') }, 400, 'request.invalid', 'prompt'],
    ['a list of texts', '/v1/tokenize', { model: TINY_MODEL, prompt: ['a'] }, 400, 'request.invalid', 'prompt'],
    [
      'a flag that is none',
      '/v1/tokenize',
      { prompt: 'a', add_special_tokens: 1 },
      400,
      'request.invalid',
      'add_special_tokens',
    ],
    ['an unknown model', '/v1/tokenize', { model: 'x', prompt: 'a' }, 404, 'model_not_found', 'model'],
    ['too long a text', '/v1/tokenize', long, 400, 'context_length_exceeded', 'prompt'],
    [
      'a second beginning',
      '/v1/tokenize',
      { model: TINY_MODEL, messages: user('a'), add_special_tokens: true },
      400,
      'request.unsupported',
      'add_special_tokens',
    ],
    [
      'what a chat request refuses',
      '/v1/tokenize',
      { model: TINY_MODEL, messages: [{ role: 'assistant', content: 'a' }] },
      400,
      'prompt.invalid',
      'messages[0].role',
    ],
    ['no ids', '/v1/detokenize', { model: TINY_MODEL }, 400, 'request.invalid', 'tokens'],
    ['half an id', '/v1/detokenize', { model: TINY_MODEL, tokens: [1, 1.5] }, 400, 'request.invalid', 'tokens[1]'],
    ['an id below 0', '/v1/detokenize', { model: TINY_MODEL, tokens: [-1] }, 400, 'request.invalid', 'tokens[0]'],
    [
      'an unknown id',
      '/v1/detokenize',
      { model: TINY_MODEL, tokens: [1, 9999] },
      400,
      'prompt.invalid_token',
      'tokens[1]',
    ],
    [
      'too many ids',
      '/v1/detokenize',
      { model: TINY_MODEL, tokens: new Array(262_145).fill(1) },
      400,
      'request.invalid',
      'tokens',
    ],
  ])('%s', async (_, path, body, status, code, param) => {
    const app = await createTestApp()
    expect(await ask(app, path, body)).toMatchObject({ status, body: { error: { code, param } } })
  })

  it.each(['/v1/tokenize', '/v1/detokenize', '/v1/count'])('another method at %s', async (path) => {
    const app = await createTestApp()
    const reply = await app.request(path)
    expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'POST'])
  })

  it('fields without effect are named', async () => {
    const app = await createTestApp()
    const body = JSON.stringify({ model: TINY_MODEL, prompt: 'a', mystery: 1 })
    const reply = await app.request('/v1/tokenize', { method: 'POST', body })
    expect(reply.headers.get('x-loupe-warning')).toContain('mystery')
  })
})
