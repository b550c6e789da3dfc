import { describe, expect, it } from 'vitest'
import { dataUri, examplePath, imagePart, textPart } from '../support/pictures.ts'
import type { Stack } from '../support/stack.ts'

interface Answer {
  readonly choices: readonly { readonly message: { readonly content: string } }[]
  readonly usage: { readonly prompt_tokens: number; readonly prompt_tokens_details: { readonly cached_tokens: number } }
}

/** Tokens of a prompt: all of them, and those that were computed. */
function countsOf({ usage: { prompt_tokens: all, prompt_tokens_details: details } }: Pick<Answer, 'usage'>) {
  return { all, computed: all - details.cached_tokens }
}

/** Conversations that go on. */
export function conversationsSuite(stack: () => Stack): void {
  describe('a conversation that goes on', () => {
    it('computes what is new, and usage says so, streamed and not', async () => {
      const picture = imagePart(dataUri(examplePath('green-triangle.png')))
      const asked = { role: 'user', content: [textPart('Nobody else begins so.'), picture, textPart('Colour?')] }
      const first = (await (await stack().chat({ messages: [asked], max_tokens: 8 })).json()) as Answer
      const { all, computed } = countsOf(first)
      expect(computed).toBe(all)

      const said = { role: 'assistant', content: first.choices[0]?.message.content ?? '' }
      const body = { messages: [asked, said, { role: 'user', content: 'And its shape?' }], max_tokens: 8 }
      const second = countsOf((await (await stack().chat(body)).json()) as Answer)
      // Behind the picture less than a block is left of the first question, and there is the second one.
      expect(second.all).toBeGreaterThan(all)
      expect(second.computed).toBeLessThan(64 + second.all - all)

      const stream = await stack().chat({ ...body, stream: true, stream_options: { include_usage: true } })
      const lines = (await stream.text()).split('\n').filter((line) => line.startsWith('data: {'))
      const third = countsOf(JSON.parse(lines.at(-1)?.slice('data: '.length) ?? ''))
      expect(third).toEqual({ all: second.all, computed: expect.any(Number) })
      expect(third.computed).toBeLessThanOrEqual(second.computed)
    })
  })
}
