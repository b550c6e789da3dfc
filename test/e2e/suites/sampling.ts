import { encodeGenerateRequest, type GenerateParameters, readGenerateStream, WORKER_PATHS } from '@loupe/shared/wire'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { dataUri, examplePath, imagePart, textPart } from '../support/pictures.ts'
import { MODEL, type Stack } from '../support/stack.ts'

const question = {
  model: MODEL,
  max_tokens: 40,
  messages: [
    {
      role: 'user' as const,
      content: [imagePart(dataUri(examplePath('red-circle.png'))), textPart('What is in this picture?')],
    },
  ],
}

const clientOf = (stack: Stack) => new OpenAI({ apiKey: 'unused', baseURL: `${stack.edgeUrl}/v1`, maxRetries: 0 })

/** Ways to choose tokens, from the public API down to the engine, with the embedded model. */
export function samplingSuite(stack: () => Stack): void {
  structureSuite(stack)
  drawsSuite(stack)
}

function structureSuite(stack: () => Stack): void {
  describe('structured output', () => {
    it('is JSON that the schema takes', async () => {
      const schema = {
        type: 'object',
        properties: { color: { enum: ['blue', 'green', 'red'] }, shape: { enum: ['square', 'circle'] } },
        required: ['color', 'shape'],
      }
      const reply = await clientOf(stack()).chat.completions.create({
        ...question,
        temperature: 0,
        max_tokens: 300, // white space between the parts is free, and this model likes it
        response_format: { type: 'json_schema', json_schema: { name: 'thing', strict: true, schema } },
      })
      expect(reply.choices[0]?.finish_reason).toBe('stop')
      const value = JSON.parse(reply.choices[0]?.message.content ?? '')
      expect(Object.keys(value)).toEqual(['color', 'shape'])
      expect(schema.properties.color.enum).toContain(value.color)
      expect(schema.properties.shape.enum).toContain(value.shape)
    })

    it('streams what a pattern matches, whatever the draws, in each of several answers', async () => {
      const body = { ...question, temperature: 2, n: 3, seed: 1, stream: true as const }
      const stream = await clientOf(stack()).chat.completions.create({
        ...body,
        ...{ guided_regex: '[ab]{3}-[0-9]{2}' },
      })
      const texts = ['', '', '']
      for await (const { choices } of stream)
        for (const { index, delta } of choices) texts[index] += delta.content ?? ''
      for (const text of texts) expect(text).toMatch(/^[ab]{3}-[0-9]{2}$/)
      expect(new Set(texts).size).toBeGreaterThan(1)
    })

    it('names the field of a pattern that cannot be read', async () => {
      const reply = await stack().chat({ ...question, structured_outputs: { regex: '(?=a)b' } })
      expect([reply.status, await reply.json()]).toMatchObject([
        400,
        { error: { code: 'grammar.invalid', param: 'structured_outputs.regex' } },
      ])
    })
  })
}

function drawsSuite(stack: () => Stack): void {
  describe('log probabilities', () => {
    it('are those of the tokens that make up the text', async () => {
      const reply = await clientOf(stack()).chat.completions.create({
        ...question,
        temperature: 0,
        logprobs: true,
        top_logprobs: 3,
      })
      const { message, logprobs } = reply.choices[0] ?? expect.fail('expected a choice')
      const tokens = logprobs?.content ?? []
      const bytes = Uint8Array.from(tokens.flatMap((token) => token.bytes ?? []))
      expect(new TextDecoder().decode(bytes)).toBe(message.content)
      for (const { token, logprob, top_logprobs: top } of tokens) {
        expect(top.map((each) => each.logprob)).toEqual(top.map((each) => each.logprob).toSorted((a, b) => b - a))
        expect([top.length, top[0]?.token, top[0]?.logprob]).toEqual([3, token, logprob])
      }
    })
  })

  describe('several answers', () => {
    it('begin with the one that is given alone', async () => {
      const drawn = { ...question, temperature: 1.5, seed: 3 }
      const alone = await clientOf(stack()).chat.completions.create(drawn)
      const several = await clientOf(stack()).chat.completions.create({ ...drawn, n: 3 })
      expect(several.choices.map(({ index }) => index)).toEqual([0, 1, 2])
      expect(several.choices[0]?.message.content).toBe(alone.choices[0]?.message.content)
    })
  })

  describe('an answer that was begun elsewhere', () => {
    it('goes on as it would have there', async () => {
      const prompt = [2, 300, 301, 302]
      const ask = async (inputIds: number[], parameters: GenerateParameters) => {
        const request = { inputIds: Int32Array.from(inputIds), imageDigests: [], patches: [], parameters }
        const url = `${stack().worker.url}${WORKER_PATHS.generateStream(MODEL)}`
        const reply = await fetch(url, { method: 'POST', ...encodeGenerateRequest(request) })
        const ids: number[] = []
        for await (const event of readGenerateStream(reply.body ?? expect.fail('a stream has a body'))) {
          if (event.type === 'tokens') ids.push(...event.ids)
        }
        return ids
      }
      const how = { temperature: 1, top_k: 0, seed: 11, frequency_penalty: 1, ignore_eos: true }
      const whole = await ask(prompt, { ...how, max_tokens: 20 })
      const rest = await ask([...prompt, ...whole.slice(0, 8)], { ...how, max_tokens: 12, first_position: 8 })
      expect(rest).toEqual(whole.slice(8))
    })
  })
}
