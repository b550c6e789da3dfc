import { createClient, type LoupeClient, picture, text } from '@loupe/shared/client'
import { describe, expect, it } from 'vitest'
import { TINY_MODEL } from './testing/fake-worker.ts'
import { createTestApp } from './testing/test-app.ts'

async function client(): Promise<LoupeClient> {
  const app = await createTestApp()
  const fetch = (input: string | URL | Request, init?: RequestInit) => app.request(String(input), init)
  return createClient({ baseUrl: 'http://edge.test', fetch, retries: 0 })
}

/** A "picture" for the fake decoder. */
const asking = async () => {
  const content = [text('A'), await picture(new Blob([Uint8Array.of(1, 1)], { type: 'image/png' }))]
  return { model: TINY_MODEL, messages: [{ role: 'user' as const, content }] }
}

describe('the client', () => {
  it('reads whole and streamed answers, which are the same', async () => {
    const loupe = await client()
    const { choices, usage } = await loupe.chat(await asking())
    let streamed = ''
    let last: unknown
    for await (const chunk of loupe.chatStream(await asking())) {
      streamed += chunk.choices[0]?.delta.content ?? ''
      last = chunk.usage
    }
    expect(streamed).not.toBe('')
    expect(streamed).toBe(choices[0]?.message.content)
    expect(last).toMatchObject({ prompt_tokens: usage?.prompt_tokens })
  })

  it('counts, tokenises and lists models', async () => {
    const loupe = await client()
    const { input_tokens } = await loupe.count(await asking())
    expect((await loupe.tokenize(await asking())).count).toBe(input_tokens)
    expect((await loupe.models()).data.map(({ id }) => id)).toContain(TINY_MODEL)
  })

  it('tells which fault it was, and where', async () => {
    const loupe = await client()
    const fault = loupe.chat({ ...(await asking()), temperature: 3 })
    await expect(fault).rejects.toMatchObject({ name: 'LoupeError', status: 400, param: 'temperature' })
  })
})
