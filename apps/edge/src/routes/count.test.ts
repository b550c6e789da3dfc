import type { TokenCount } from '@loupe/shared/schema'
import { describe, expect, it } from 'vitest'
import { TINY_MODEL } from '../testing/fake-worker.ts'
import { createTestApp, type TestApp } from '../testing/test-app.ts'

/** A "picture" for the fake decoder: what it shows, whether it is whole, how many crops it has. */
const image = (bytes: readonly number[], detail = 'auto') => {
  const url = `data:image/png;base64,${btoa(String.fromCharCode(...bytes))}`
  return { type: 'image_url', image_url: { url, detail } }
}
const asking = (...content: unknown[]) => ({ messages: [{ role: 'user', content }] })
const text = (words: string) => ({ type: 'text', text: words })

function count(app: TestApp, body: Readonly<Record<string, unknown>>): Promise<Response> {
  return app.request('/v1/count', { method: 'POST', body: JSON.stringify({ model: TINY_MODEL, ...body }) })
}

async function counted(app: TestApp, body: Readonly<Record<string, unknown>>): Promise<TokenCount> {
  const reply = await count(app, body)
  expect(reply.status).toBe(200)
  return (await reply.json()) as TokenCount
}

describe('/v1/count', () => {
  it('tells what the answer will say of its prompt, and neither decodes nor computes anything', async () => {
    const app = await createTestApp()
    const body = asking(text('A'), image([1, 1, 1, 3], 'high'), text('B'), image([2, 1]))
    const told = await counted(app, body)
    expect(app.decoded).toEqual([])
    expect(app.worker.calls.map(({ path }) => path.split('/').at(-1))).toEqual(['org%2Ftiny', 'tokenizer'])
    const { usage } = (await (await app.chat(body)).json()) as { usage: Record<string, unknown> }
    expect(usage).toMatchObject({
      prompt_tokens: told.input_tokens,
      prompt_tokens_details: { image_tokens: told.image_tokens },
    })
    expect(told).toEqual({
      input_tokens: told.text_tokens + 20,
      text_tokens: expect.any(Number),
      image_tokens: 20,
      images: 5,
      context_length: 512,
      fits: true,
      max_answer_tokens: 512 - told.input_tokens,
    })
  })

  it('tells of a prompt that it does not fit instead of refusing it', async () => {
    const app = await createTestApp()
    const long = asking(text('a'.repeat(600)))
    expect(await counted(app, long)).toMatchObject({ fits: false, max_answer_tokens: 0 })
    expect((await app.chat(long)).status).toBe(400)
    const { max_answer_tokens: room } = await counted(app, asking(text('a')))
    expect(await counted(app, { ...asking(text('a')), max_tokens: room })).toMatchObject({ fits: true })
    expect(await counted(app, { ...asking(text('a')), max_tokens: room + 1 })).toMatchObject({ fits: false })
  })

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['no messages', {}],
    ['an unknown model', { model: 'x', ...asking(text('a')) }],
    ['a parameter out of range', { ...asking(text('a')), temperature: 9 }],
    ['a feature that is not offered', { ...asking(text('a')), echo: true }],
    ['roles that do not take turns', { messages: [{ role: 'assistant', content: 'a' }] }],
    ['a picture that is none', asking(text('a'), image([0]))],
    ['a picture without bytes', asking(image([]))],
    ['a private address', asking({ type: 'image_url', image_url: 'https://10.0.0.1/' })],
    ['too many pictures', asking(...Array.from({ length: 9 }, () => image([1, 1])))],
    ['too many crops', asking(image([1, 1, 1, 4], 'high'), image([2, 1, 1, 3], 'high'))],
    ['too much text', asking(text('a'.repeat(2_000_001)))],
  ])('refuses %s as a chat request does', async (_, body) => {
    const app = await createTestApp()
    const [told, answered] = [await count(app, body), await app.chat(body)]
    expect(told.status).toBeGreaterThanOrEqual(400)
    expect(told.status).toBe(answered.status)
    expect(await told.json()).toEqual(await answered.json())
    expect(app.worker.admitted).toHaveLength(0)
  })

  it('does not find damage behind the header of a picture', async () => {
    const app = await createTestApp()
    const damaged = asking(image([1, 0]))
    expect((await count(app, damaged)).status).toBe(200)
    expect((await app.chat(damaged)).status).toBe(400)
  })
})
