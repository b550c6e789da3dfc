import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import {
  APICallError,
  generateObject,
  generateText,
  isStepCount,
  type LanguageModel,
  type ModelMessage,
  Output,
  streamText,
  tool,
} from 'ai'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { MODEL, type Stack } from '../../e2e/support/stack.ts'
import { expectStopped, HOW_MANY, LONG, refuseNext, STARS, THREE, tellingFetch } from '../support.ts'

const Seen = z.object({ color: z.enum(['blue', 'red']), count: z.int().min(0).max(9) })
const content = () => [
  { type: 'image' as const, image: STARS() },
  { type: 'text' as const, text: HOW_MANY },
]
const messages = () => [{ role: 'user' as const, content: content() }]

type ModelOf = (id?: string, more?: { readonly fetch?: typeof fetch }) => LanguageModel

/** Vercel's `ai` with `@ai-sdk/openai-compatible`. */
export function aiSdkConformance(stack: () => Stack): void {
  // It warns that `generateObject` and image parts have newer forms; people use both.
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
  const modelOf: ModelOf = (id = MODEL, more = {}) =>
    createOpenAICompatible({
      name: 'loupe',
      baseURL: `${stack().edgeUrl}/v1`,
      apiKey: 'unused',
      includeUsage: true,
      supportsStructuredOutputs: true,
      ...more,
    })(id)
  const asked = () => ({ model: modelOf(), temperature: 0, maxOutputTokens: 300, messages: messages() })
  answersSuite(asked)
  faultsSuite(stack, modelOf, asked)
}

/** What is asked, in what all functions of the library take. */
interface Question {
  readonly model: LanguageModel
  readonly temperature: number
  readonly maxOutputTokens: number
  readonly messages: ModelMessage[]
}
type Asked = () => Question

function answersSuite(asked: Asked): void {
  describe('ai and @ai-sdk/openai-compatible', () => {
    it('generates and streams the same true text about a picture', async () => {
      const { text, finishReason, usage } = await generateText(asked())
      expect(text).toMatch(THREE)
      expect([finishReason, usage.inputTokens]).toEqual(['stop', expect.any(Number)])
      const stream = streamText(asked())
      let streamed = ''
      for await (const piece of stream.textStream) streamed += piece
      expect(streamed).toBe(text)
      expect(await stream.usage).toMatchObject({ inputTokens: usage.inputTokens, outputTokens: usage.outputTokens })
    })

    it('takes a picture as a file part', async () => {
      const file = { type: 'file' as const, mediaType: 'image/png', data: STARS() }
      const content = [file, { type: 'text' as const, text: HOW_MANY }]
      expect((await generateText({ ...asked(), messages: [{ role: 'user', content }] })).text).toMatch(THREE)
    })

    it('streams objects while they are made', async () => {
      const stream = streamText({ ...asked(), output: Output.object({ schema: Seen }) })
      let last: unknown
      for await (const partial of stream.partialOutputStream) last = partial
      expect(Seen.parse(last)).toEqual(await stream.output)
    })

    it('makes objects of a zod schema', async () => {
      const { object } = await generateObject({ ...asked(), schema: Seen })
      expect(Seen.safeParse(object).success).toBe(true)
      const { output } = await generateText({ ...asked(), output: Output.object({ schema: Seen }) })
      expect(Seen.safeParse(output).success).toBe(true)
    })

    it('calls tools and goes on with their results', async () => {
      const seen: unknown[] = []
      const report = tool({
        description: 'Reports what is seen.',
        inputSchema: Seen,
        execute: (input) => {
          seen.push(input)
          return { noted: true }
        },
      })
      const { steps } = await generateText({
        ...asked(),
        tools: { report },
        toolChoice: 'required',
        stopWhen: isStepCount(2),
        prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? 'required' : 'none' }),
      })
      expect(seen.length).toBeGreaterThan(0)
      expect(steps.map(({ finishReason }) => finishReason)).toEqual([
        'tool-calls',
        expect.stringMatching(/stop|length/),
      ])
      const stream = streamText({ ...asked(), tools: { report }, toolChoice: { type: 'tool', toolName: 'report' } })
      const [call] = await stream.toolCalls
      expect([call?.toolName, Seen.safeParse(call?.input).success]).toEqual(['report', true])
    })
  })
}

function faultsSuite(stack: () => Stack, modelOf: ModelOf, asked: Asked): void {
  describe('ai and @ai-sdk/openai-compatible, when something is wrong', () => {
    it('throws errors with the status and the message', async () => {
      const failing = generateText({ ...asked(), model: modelOf('gpt-9') })
      await expect(failing).rejects.toSatisfy(
        (error) => APICallError.isInstance(error) && error.statusCode === 404 && error.message.includes('gpt-9'),
      )
    })

    it('tries again what may be tried again', async () => {
      const { fetch, statuses } = tellingFetch()
      refuseNext(stack(), 429)
      expect((await generateText({ ...asked(), model: modelOf(MODEL, { fetch }) })).text).toMatch(THREE)
      expect(statuses).toEqual([429, 200])
      refuseNext(stack(), 503)
      const failing = generateText({ ...asked(), maxRetries: 0 })
      await expect(failing).rejects.toSatisfy((error) => APICallError.isInstance(error) && error.isRetryable)
    })

    it('stops the worker when it is aborted', async () => {
      const abort = new AbortController()
      const types: string[] = []
      await expectStopped(stack(), async () => {
        const providerOptions = { loupe: { ignore_eos: true } }
        const endless = { ...asked(), maxOutputTokens: LONG, providerOptions }
        for await (const { type } of streamText({ ...endless, abortSignal: abort.signal }).fullStream) {
          types.push(type)
          if (type === 'text-delta') abort.abort()
        }
      })
      expect(types.at(-1)).toBe('abort')
    })
  })
}
