import OpenAI, { NotFoundError } from 'openai'
import { describe, expect, it } from 'vitest'
import { dataUri, examplePath, imagePart, textPart } from '../support/pictures.ts'
import { MODEL, type Stack } from '../support/stack.ts'

/** The npm package `openai`, unchanged, pointed at the edge. */
export function openAiClientSuite(stack: () => Stack): void {
  const client = (): OpenAI => new OpenAI({ apiKey: 'unused', baseURL: `${stack().edgeUrl}/v1`, maxRetries: 0 })
  const question = () => ({
    model: MODEL,
    temperature: 0,
    max_tokens: 24,
    messages: [
      {
        role: 'user' as const,
        content: [imagePart(dataUri(examplePath('red-circle.png'))), textPart('What is in this picture?')],
      },
    ],
  })

  describe('the npm package openai', () => {
    it('completes a chat with an image', async () => {
      const reply = await client().chat.completions.create(question())
      const [choice] = reply.choices
      expect(choice?.message.role).toBe('assistant')
      expect(choice?.message.content).not.toBe('')
      expect(['stop', 'length']).toContain(choice?.finish_reason)
      expect(reply.usage?.prompt_tokens).toBeGreaterThan(258)
      expect(reply.usage?.prompt_tokens_details).toMatchObject({ image_tokens: 256 })
      expect(reply._request_id).toMatch(/^req_/)
    })

    it('streams the same answer, with usage at the end', async () => {
      const whole = await client().chat.completions.create(question())
      const stream = await client().chat.completions.create({
        ...question(),
        stream: true,
        stream_options: { include_usage: true },
      })
      let text = ''
      let usage: OpenAI.CompletionUsage | null | undefined
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? ''
        usage = chunk.usage
      }
      expect(text).toBe(whole.choices[0]?.message.content)
      expect(usage?.completion_tokens).toBe(whole.usage?.completion_tokens)
    })

    it('accumulates a stream with its own helper, which demands a finish_reason', async () => {
      const completion = await client().chat.completions.stream(question()).finalChatCompletion()
      expect(completion.choices[0]?.message.content).not.toBe('')
      expect(['stop', 'length']).toContain(completion.choices[0]?.finish_reason)
    })

    it('is told the truth about an example picture', async () => {
      const reply = await client().chat.completions.create(question())
      expect(reply.choices[0]?.message.content).toMatch(/red/i)
      expect(reply.choices[0]?.message.content).toMatch(/circle/i)
    })

    it('is served beside others, each with its own picture', async () => {
      const names = ['red-circle', 'green-triangle', 'five-orange-squares', 'three-blue-stars', 'two-pink-circles']
      const replies = await Promise.all(
        names.map((name) => {
          const content = [imagePart(dataUri(examplePath(`${name}.png`))), textPart('What is in this picture?')]
          return client().chat.completions.create({ ...question(), messages: [{ role: 'user', content }] })
        }),
      )
      expect(replies.map(({ usage }) => usage?.prompt_tokens_details)).toEqual(
        names.map(() => expect.objectContaining({ image_tokens: 256 })),
      )
    })

    it('lists and retrieves models', async () => {
      const names: string[] = []
      for await (const model of client().models.list()) names.push(model.id)
      expect(names).toEqual([MODEL])
      expect((await client().models.retrieve(MODEL)).object).toBe('model')
    })

    it('throws its own errors', async () => {
      const asking = client().chat.completions.create({ ...question(), model: 'gpt-9' })
      await expect(asking).rejects.toThrow(NotFoundError)
      await expect(asking).rejects.toMatchObject({ code: 'model_not_found', param: 'model', status: 404 })
    })
  })
}
