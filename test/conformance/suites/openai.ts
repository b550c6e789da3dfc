import { createReadStream } from 'node:fs'
import OpenAI, { APIUserAbortError, BadRequestError, InternalServerError, NotFoundError, RateLimitError } from 'openai'
import { zodFunction, zodResponseFormat, zodTextFormat } from 'openai/helpers/zod'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { examplePath, imagePart, textPart } from '../../e2e/support/pictures.ts'
import { MODEL, type Stack } from '../../e2e/support/stack.ts'
import { expectStopped, HOW_MANY, LONG, refuseNext, STARS, THREE, tellingFetch } from '../support.ts'

const Seen = z.object({ color: z.enum(['blue', 'red']), count: z.int().min(0).max(9) })
const messages = () => [{ role: 'user' as const, content: [imagePart(STARS()), textPart(HOW_MANY)] }]
const asked = () => ({ model: MODEL, temperature: 0, max_tokens: 300, messages: messages() })

type ClientOf = (options?: ConstructorParameters<typeof OpenAI>[0]) => OpenAI

/** The npm package `openai`. */
export function openAiConformance(stack: () => Stack): void {
  const clientOf: ClientOf = (options) => new OpenAI({ apiKey: 'unused', baseURL: `${stack().edgeUrl}/v1`, ...options })
  answersSuite(clientOf)
  faultsSuite(stack, clientOf)
}

function answersSuite(clientOf: ClientOf): void {
  describe('openai', () => {
    it('chats about a picture, whole, streamed and with its helper', async () => {
      const client = clientOf()
      const whole = await client.chat.completions.create(asked())
      const text = whole.choices[0]?.message.content
      expect(text).toMatch(THREE)
      let streamed = ''
      for await (const { choices } of await client.chat.completions.create({ ...asked(), stream: true })) {
        streamed += choices[0]?.delta.content ?? ''
      }
      const helper = client.chat.completions.stream({ ...asked(), stream_options: { include_usage: true } })
      expect([streamed, await helper.finalContent()]).toEqual([text, text])
      expect((await helper.totalUsage()).total_tokens).toBe(whole.usage?.total_tokens)
    })

    it('uploads a picture and asks about it by the id of the file', async () => {
      const client = clientOf()
      const file = createReadStream(examplePath('three-blue-stars.png'))
      const { id } = await client.files.create({ file, purpose: 'vision' })
      const content = [
        { type: 'input_image' as const, file_id: id, detail: 'auto' as const },
        { type: 'input_text' as const, text: HOW_MANY },
      ]
      const input = [{ role: 'user' as const, content }]
      expect((await client.responses.create({ model: MODEL, temperature: 0, input })).output_text).toMatch(THREE)
      expect((await client.files.delete(id)).deleted).toBe(true)
    })

    it('parses an answer by a zod schema', async () => {
      const client = clientOf()
      const completion = await client.chat.completions.parse({
        ...asked(),
        response_format: zodResponseFormat(Seen, 'seen'),
      })
      expect(Seen.safeParse(completion.choices[0]?.message.parsed).success).toBe(true)
      const { output_parsed: parsed } = await client.responses.parse({
        model: MODEL,
        input: HOW_MANY,
        max_output_tokens: 300,
        text: { format: zodTextFormat(Seen, 'seen') },
      })
      expect(Seen.safeParse(parsed).success).toBe(true)
    })

    it('runs functions and tells the model what they gave', async () => {
      const seen: unknown[] = []
      const report = zodFunction({
        name: 'report',
        description: 'Reports what is seen.',
        parameters: Seen,
        function: (args) => {
          seen.push(args)
          return 'noted'
        },
      })
      const tool_choice = { type: 'function' as const, function: { name: 'report' } }
      const runner = clientOf().chat.completions.runTools({ ...asked(), tools: [report], tool_choice })
      await runner.done()
      expect(seen).toHaveLength(1)
      expect(runner.messages.slice(1)).toMatchObject([
        { role: 'assistant', tool_calls: [{ function: { name: 'report' } }] },
        { role: 'tool', content: 'noted' },
      ])
    })

    it('has responses, streamed as whole, models and embeddings', async () => {
      const client = clientOf()
      const content = [
        { type: 'input_image' as const, image_url: STARS(), detail: 'auto' as const },
        { type: 'input_text' as const, text: HOW_MANY },
      ]
      const body = { model: MODEL, temperature: 0, input: [{ role: 'user' as const, content }] }
      const { output_text: text } = await client.responses.create(body)
      expect(text).toMatch(THREE)
      expect((await client.responses.stream(body).finalResponse()).output_text).toBe(text)
      expect((await client.models.list()).data.map(({ id }) => id)).toEqual([MODEL])
      const { data } = await client.embeddings.create({ model: MODEL, input: STARS() })
      expect(data[0]?.embedding.length).toBeGreaterThan(0)
    })
  })
}

function faultsSuite(stack: () => Stack, clientOf: ClientOf): void {
  describe('openai, when something is wrong', () => {
    it('throws the class of each fault, and does not try again what cannot be mended', async () => {
      const { fetch, statuses } = tellingFetch()
      const create = (more: object) => clientOf({ fetch }).chat.completions.create({ ...asked(), ...more })
      await expect(create({ model: 'gpt-9' })).rejects.toThrow(NotFoundError)
      await expect(create({ temperature: 9 })).rejects.toThrow(BadRequestError)
      await expect(
        create({ messages: [{ role: 'user', content: [imagePart('data:image/png;base64,')] }] }),
      ).rejects.toMatchObject({
        status: 400,
        param: 'messages[0].content[0].image_url',
        requestID: expect.stringMatching(/^req_/),
      })
      expect(statuses).toEqual([404, 400, 400])
    })

    it('tries again when the worker is overloaded or not ready, as often as it was told', async () => {
      const { fetch, statuses } = tellingFetch()
      refuseNext(stack(), 429, 503)
      const reply = await clientOf({ fetch }).chat.completions.create(asked())
      expect(reply.choices[0]?.message.content).toMatch(THREE)
      expect(statuses).toEqual([429, 503, 200])
      refuseNext(stack(), 429)
      await expect(clientOf({ maxRetries: 0 }).chat.completions.create(asked())).rejects.toThrow(RateLimitError)
      refuseNext(stack(), 503)
      await expect(clientOf({ maxRetries: 0 }).chat.completions.create(asked())).rejects.toThrow(InternalServerError)
    })

    it('stops the worker when it is aborted', async () => {
      const abort = new AbortController()
      const { signal } = abort
      await expectStopped(stack(), async () => {
        const endless = { ...asked(), max_tokens: LONG, ignore_eos: true, stream: true as const }
        const stream = await clientOf().chat.completions.create(endless, { signal })
        for await (const { choices } of stream) if (choices[0]?.delta.content !== '') abort.abort()
      })
      await expect(clientOf().chat.completions.create(asked(), { signal })).rejects.toThrow(APIUserAbortError)
    })
  })
}
