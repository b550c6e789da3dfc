import { Ajv2020 } from 'ajv/dist/2020.js'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { dataUri, examplePath, imagePart, textPart } from '../support/pictures.ts'
import { MODEL, type Stack } from '../support/stack.ts'

const parameters = {
  type: 'object',
  properties: {
    color: { $ref: '#/$defs/color' },
    count: { type: 'integer', minimum: 1, maximum: 9 },
    where: { type: ['string', 'null'], maxLength: 12 },
  },
  required: ['color', 'count'],
  $defs: { color: { enum: ['blue', 'green', 'red'] } },
}
const tools = [
  { type: 'function' as const, function: { name: 'report', description: 'Reports what is seen.', parameters } },
  { type: 'function' as const, function: { name: 'give_up' } },
]
const question = {
  model: MODEL,
  max_tokens: 600, // white space between the parts is free, and this model likes it
  seed: 5,
  messages: [
    {
      role: 'user' as const,
      content: [imagePart(dataUri(examplePath('red-circle.png'))), textPart('What is in this picture?')],
    },
  ],
  tools,
}
const report = { type: 'function', function: { name: 'report' } } as const
const clientOf = (stack: Stack) => new OpenAI({ apiKey: 'unused', baseURL: `${stack.edgeUrl}/v1`, maxRetries: 0 })
const isReport = new Ajv2020({ strict: false }).compile(parameters)

/** Calls of functions by the embedded model, which was never taught any: the grammar makes them what they are. */
export function toolsSuite(stack: () => Stack): void {
  describe('functions', () => {
    it.each([0, 1.5])('are called with arguments that fit, at temperature %d', async (temperature) => {
      const asked = { ...question, temperature, tool_choice: report }
      const { choices } = await clientOf(stack()).chat.completions.create(asked)
      expect(choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } })
      const [call, ...others] = choices[0]?.message.tool_calls ?? []
      expect(others).toEqual([])
      const { name, arguments: text } = call?.type === 'function' ? call.function : expect.fail('expected a call')
      expect([name, isReport(JSON.parse(text))]).toEqual(['report', true])
    })

    it('are called in a stream as they are at once', async () => {
      const client = clientOf(stack())
      const asked = { ...question, temperature: 0, tool_choice: 'required', parallel_tool_calls: false } as const
      const whole = (await client.chat.completions.create(asked)).choices[0]
      const streamed = (await client.chat.completions.stream(asked).finalChatCompletion()).choices[0]
      const functionOf = (choice: typeof whole) =>
        choice?.message.tool_calls?.map((call) => 'function' in call && call.function)
      expect(whole?.finish_reason).toBe('tool_calls')
      expect(streamed?.finish_reason).toBe('tool_calls')
      expect(functionOf(streamed)).toMatchObject(functionOf(whole) ?? [])
    })

    it('are named in the prompt, and an answer may say something instead', async () => {
      const client = clientOf(stack())
      const auto = await client.chat.completions.create({ ...question, temperature: 0 })
      const none = await client.chat.completions.create({ ...question, temperature: 0, tool_choice: 'none' })
      expect(auto.usage?.prompt_tokens).toBeGreaterThan((none.usage?.prompt_tokens ?? 0) + 100)
      const [choice] = auto.choices
      const said = choice?.message.content
      if (said === null) expect(choice?.finish_reason).not.toBe('stop')
      else expect(said).not.toMatch(/^[\s{[]/)
    })

    it('have results that the conversation goes on with', async () => {
      const client = clientOf(stack())
      const asked = { ...question, temperature: 0, tool_choice: report }
      const message = (await client.chat.completions.create(asked)).choices[0]?.message ?? expect.fail('no answer')
      const results = (message.tool_calls ?? []).map(({ id }) => ({
        role: 'tool' as const,
        tool_call_id: id,
        content: 'ok',
      }))
      const messages = [...question.messages, message, ...results]
      const next = await client.chat.completions.create({ ...question, messages, tool_choice: 'none', max_tokens: 20 })
      expect(next.usage?.prompt_tokens_details?.cached_tokens).toBeGreaterThan(256)
      expect(next.choices[0]?.message.tool_calls).toBeUndefined()
    })
  })

  describe('least tokens and salts', () => {
    it('hold through the stack', async () => {
      const plain = {
        model: MODEL,
        temperature: 0,
        max_tokens: 40,
        messages: [{ role: 'user', content: 'Hello there.' }],
      }
      const ask = async (more: object) =>
        (await (await stack().chat({ ...plain, ...more })).json()) as OpenAI.ChatCompletion
      const least = await ask({ min_tokens: 40 })
      expect(least).toMatchObject({ usage: { completion_tokens: 40 }, choices: [{ finish_reason: 'length' }] })
      const messages = [{ role: 'user', content: `Remember this. ${'A long story. '.repeat(60)}` }]
      const cached = async (more: object) =>
        (await ask({ messages, ...more })).usage?.prompt_tokens_details?.cached_tokens
      expect(await cached({ cache_salt: 'one' })).toBe(0)
      expect(await cached({ cache_salt: 'two' })).toBe(0)
      expect(await cached({})).toBe(0)
      expect(await cached({ cache_salt: 'one' })).toBeGreaterThan(0)
    })
  })
}
