import { readFileSync } from 'node:fs'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI, { BadRequestError, NotFoundError } from 'openai'
import { describe, expect, it } from 'vitest'
import { bytesUri, dataUri, examplePath, imagePart, textPart } from '../support/pictures.ts'
import { MODEL, type Stack } from '../support/stack.ts'

const QUESTION = 'What is in this picture?'
const picture = () => dataUri(examplePath('red-circle.png'))

/** The same question and picture as a chat and as an input. */
const messages = () => [{ role: 'user' as const, content: [imagePart(picture()), textPart(QUESTION)] }]
const input = () => [
  {
    role: 'user' as const,
    content: [
      { type: 'input_image' as const, image_url: picture(), detail: 'auto' as const },
      { type: 'input_text' as const, text: QUESTION },
    ],
  },
]

const greedy = { model: MODEL, temperature: 0 }

/** The Responses API and completions through the npm package `openai`, stored in real Durable Objects. */
export function responsesSuite(stack: () => Stack): void {
  const client = (): OpenAI => new OpenAI({ apiKey: 'unused', baseURL: `${stack().edgeUrl}/v1`, maxRetries: 0 })
  storedSuite(client, stack)
  callsSuite(client)
  sameAnswersSuite(client, stack)
  completionsSuite(client)
  embeddingsSuite(client)
}

function storedSuite(client: () => OpenAI, stack: () => Stack): void {
  describe('responses.create', () => {
    it('sees the picture, and goes on with the conversation that is stored', async () => {
      const first = await client().responses.create({ ...greedy, input: input(), max_output_tokens: 24 })
      expect(first.output_text).toMatch(/red.*circle|circle.*red/i)
      expect(first.usage).toMatchObject({ input_tokens_details: { image_tokens: 256 } })
      const second = await client().responses.create({
        ...greedy,
        input: 'And its colour?',
        previous_response_id: first.id,
        max_output_tokens: 24,
      })
      expect(second.usage?.input_tokens).toBeGreaterThan(first.usage?.input_tokens ?? 0)
      // Its prompt begins with the picture, which is not looked at again.
      expect(second.usage?.input_tokens_details.cached_tokens).toBeGreaterThan(0)
      expect(await client().responses.retrieve(second.id)).toMatchObject({
        id: second.id,
        output_text: second.output_text,
      })
    })

    it('is stored with its items, until it is deleted', async () => {
      // Bytes behind the picture are nothing to a decoder, and more than a row of the database holds.
      const image_url = bytesUri(Buffer.concat([readFileSync(examplePath('red-circle.png')), Buffer.alloc(3_000_000)]))
      const [asked] = input()
      const content = [
        { type: 'input_image' as const, image_url, detail: 'auto' as const },
        ...(asked?.content.slice(1) ?? []),
      ]
      const body = { ...greedy, input: [{ role: 'user' as const, content }], max_output_tokens: 4 }
      const response = await client().responses.create(body)
      expect((await client().responses.inputTokens.count({ model: MODEL, input: body.input })).input_tokens).toBe(
        response.usage?.input_tokens,
      )
      const items = []
      for await (const item of client().responses.inputItems.list(response.id)) items.push(item)
      expect(items).toMatchObject([{ type: 'message', content: [{ image_url }, { text: QUESTION }] }])
      await client().responses.delete(response.id)
      await expect(client().responses.retrieve(response.id)).rejects.toThrow(NotFoundError)
    })

    it('throws its own errors', async () => {
      const asking = client().responses.create({ ...greedy, input: 'a', previous_response_id: 'resp_none' })
      await expect(asking).rejects.toThrow(BadRequestError)
      await expect(asking).rejects.toMatchObject({ code: 'previous_response_not_found', param: 'previous_response_id' })
      const tool = { type: 'web_search_preview' as const }
      await expect(client().responses.create({ ...greedy, input: 'a', tools: [tool] })).rejects.toMatchObject({
        param: 'tools[0].type',
      })
    })

    it('is still there when the edge has been restarted', async () => {
      const response = await client().responses.create({ ...greedy, input: 'Hello', max_output_tokens: 4 })
      await stack().restartEdge()
      expect(await client().responses.retrieve(response.id)).toEqual(response)
    })
  })
}

function callsSuite(client: () => OpenAI): void {
  describe('responses.create with a function', () => {
    it('calls a function and reads what it gave', async () => {
      const parameters = {
        type: 'object',
        properties: { color: { enum: ['red', 'blue'] } },
        required: ['color'],
        additionalProperties: false,
      }
      const look = { type: 'function' as const, name: 'look', parameters, strict: true }
      const asked = { ...greedy, tools: [look], max_output_tokens: 100 }
      const first = await client().responses.create({ ...asked, input: 'What is red?', tool_choice: 'required' })
      const [call] = first.output
      if (call?.type !== 'function_call') return expect.fail('expected a call')
      expect([call.name, ['red', 'blue']]).toEqual(['look', expect.arrayContaining([JSON.parse(call.arguments).color])])
      const output = { type: 'function_call_output' as const, call_id: call.call_id, output: 'a circle' }
      const second = await client().responses.create({
        ...asked,
        input: [output],
        tool_choice: 'none',
        previous_response_id: first.id,
      })
      expect(second.output).toMatchObject([{ type: 'message' }])
    })
  })
}

function sameAnswersSuite(client: () => OpenAI, stack: () => Stack): void {
  /** What each endpoint says; `/v1/completions` takes no pictures. */
  async function answers(chat: OpenAI.ChatCompletionMessageParam[], asked: OpenAI.Responses.ResponseInput) {
    const { choices } = await client().chat.completions.create({ ...greedy, messages: chat, max_tokens: 24 })
    const body = { ...greedy, input: asked, max_output_tokens: 24, store: false }
    const whole = await client().responses.create(body)
    const helper = await client().responses.stream(body).finalResponse()
    let streamed = ''
    const stream = await client().responses.create({ ...body, stream: true })
    for await (const event of stream) if (event.type === 'response.output_text.delta') streamed += event.delta
    return { chat: choices[0]?.message.content, texts: [whole.output_text, helper.output_text, streamed] }
  }

  /** What Anthropic's endpoint says, whole and streamed. */
  async function messageTexts(content: Anthropic.MessageParam['content']) {
    const anthropic = new Anthropic({ apiKey: 'unused', baseURL: stack().edgeUrl, maxRetries: 0 })
    const body = { ...greedy, max_tokens: 24, messages: [{ role: 'user' as const, content }] }
    const whole = await anthropic.messages.create(body)
    const streamed = await anthropic.messages.stream(body).finalText()
    return [whole.content.map((block) => ('text' in block ? block.text : '')).join(''), streamed]
  }

  describe('the same question', () => {
    it('with a picture has the same answer in a chat, as a response and as a message, streamed and not', async () => {
      const { chat, texts } = await answers(messages(), input())
      expect(chat).not.toBe('')
      expect(texts).toEqual([chat, chat, chat])
      const [, data = ''] = picture().split(',')
      const source = { type: 'base64' as const, media_type: 'image/png' as const, data }
      expect(await messageTexts([{ type: 'image', source }, textPart(QUESTION)])).toEqual([chat, chat])
    })

    it('without one has it as a completion, too, by the ids of its template', async () => {
      const asked = [{ role: 'user' as const, content: 'Which shapes do you know?' }]
      const { chat, texts } = await answers(asked, asked)
      expect(chat).not.toBe('')
      expect(texts).toEqual([chat, chat, chat])
      expect(await messageTexts('Which shapes do you know?')).toEqual([chat, chat])
      const body = JSON.stringify({ model: MODEL, messages: asked })
      const reply = await fetch(`${stack().edgeUrl}/v1/tokenize`, { method: 'POST', body })
      const { tokens: prompt } = (await reply.json()) as { tokens: number[] }
      const completion = await client().completions.create({ ...greedy, prompt, max_tokens: 24 })
      expect(completion.choices[0]?.text).toBe(chat)
    })
  })
}

function completionsSuite(client: () => OpenAI): void {
  describe('completions.create', () => {
    it('answers several prompts, streamed as it does whole', async () => {
      const body = { ...greedy, prompt: ['The red', 'Two blue', 'A circle'], max_tokens: 6 }
      const whole = await client().completions.create(body)
      expect(whole.choices.map(({ index }) => index)).toEqual([0, 1, 2])
      const texts = ['', '', '']
      const stream = await client().completions.create({ ...body, stream: true })
      for await (const { choices } of stream) for (const { index, text } of choices) texts[index] += text
      expect(texts).toEqual(whole.choices.map(({ text }) => text))
    })

    it('tells where each token begins', async () => {
      const { choices } = await client().completions.create({
        ...greedy,
        prompt: 'The red',
        max_tokens: 6,
        logprobs: 2,
      })
      const { text = '', logprobs } = choices[0] ?? {}
      const { tokens = [], text_offset: offsets = [], top_logprobs: top = [] } = logprobs ?? {}
      expect(tokens.join('')).toBe(text)
      tokens.forEach((token, at) => {
        expect([...text].slice(offsets[at]).join('').startsWith(token)).toBe(true)
        expect(Object.keys(top[at] ?? {})).toContain(token)
      })
    })
  })
}

function embeddingsSuite(client: () => OpenAI): void {
  describe('embeddings.create', () => {
    it('describes pictures: the same alike, others apart, each of length 1', async () => {
      const input = ['red-circle', 'red-circle', 'three-blue-stars'].map((name) => dataUri(examplePath(`${name}.png`)))
      const { data, usage } = await client().embeddings.create({ model: MODEL, input })
      expect(usage.prompt_tokens).toBe(3 * 256)
      const [first = [], same = [], other = []] = data.map(({ embedding }) => embedding)
      expect(same).toEqual(first)
      expect(dot(first, first)).toBeCloseTo(1, 5)
      expect(dot(first, other)).toBeLessThan(0.999)
    })
  })
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0)
}
