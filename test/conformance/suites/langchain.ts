import { HumanMessage, ToolMessage } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI, type ChatOpenAIFields, OpenAIEmbeddings } from '@langchain/openai'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { MODEL, type Stack } from '../../e2e/support/stack.ts'
import { expectStopped, HOW_MANY, LONG, refuseNext, STARS, THREE, watchAnswers } from '../support.ts'

const Seen = z.object({ color: z.enum(['blue', 'red']), count: z.int().min(0).max(9) })
const question = () =>
  new HumanMessage({
    content: [
      { type: 'image_url', image_url: { url: STARS() } },
      { type: 'text', text: HOW_MANY },
    ],
  })

type ModelOf = (options?: ChatOpenAIFields) => ChatOpenAI

/** `@langchain/openai`. */
export function langChainConformance(stack: () => Stack): void {
  const modelOf: ModelOf = (options) =>
    new ChatOpenAI({
      model: MODEL,
      apiKey: 'unused',
      temperature: 0,
      maxTokens: 300,
      configuration: { baseURL: `${stack().edgeUrl}/v1` },
      ...options,
    })
  answersSuite(modelOf)
  describe('@langchain/openai for embeddings', () => {
    it('embeds pictures', async () => {
      const embeddings = new OpenAIEmbeddings({
        model: MODEL,
        apiKey: 'unused',
        configuration: { baseURL: `${stack().edgeUrl}/v1` },
      })
      expect((await embeddings.embedQuery(STARS())).length).toBeGreaterThan(0)
    })
  })
  faultsSuite(stack, modelOf)
}

function answersSuite(modelOf: ModelOf): void {
  describe('@langchain/openai', () => {
    it('invokes and streams the same true text about a picture', async () => {
      const whole = await modelOf().invoke([question()])
      expect(whole.text).toMatch(THREE)
      let streamed = ''
      for await (const chunk of await modelOf({ streamUsage: true }).stream([question()])) streamed += chunk.text
      expect(streamed).toBe(whole.text)
      expect(whole).toMatchObject({
        usage_metadata: { input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
      })
    })

    it('speaks the Responses API, too', async () => {
      expect((await modelOf({ useResponsesApi: true }).invoke([question()])).text).toMatch(THREE)
    })

    it('binds tools and goes on with their results', async () => {
      const report = tool(() => 'noted', { name: 'report', description: 'Reports what is seen.', schema: Seen })
      const bound = modelOf().bindTools([report], { tool_choice: 'report' })
      const answer = await bound.invoke([question()])
      const [call] = answer.tool_calls ?? []
      expect([call?.name, Seen.safeParse(call?.args).success]).toEqual(['report', true])
      const given = new ToolMessage({ content: 'noted', tool_call_id: call?.id ?? '' })
      const after = await modelOf().bindTools([report], { tool_choice: 'none' }).invoke([question(), answer, given])
      expect(after.tool_calls).toEqual([])
      const streamed = await bound.stream([question()])
      let calls = ''
      for await (const { tool_call_chunks: chunks = [] } of streamed) calls += chunks.map(({ args }) => args).join('')
      expect(Seen.safeParse(JSON.parse(calls)).success).toBe(true)
    })

    it.each(['jsonSchema', 'functionCalling'] as const)('has output of a zod schema by %s', async (method) => {
      const seen = await modelOf().withStructuredOutput(Seen, { method }).invoke([question()])
      expect(Seen.safeParse(seen).success).toBe(true)
    })
  })
}

function faultsSuite(stack: () => Stack, modelOf: ModelOf): void {
  describe('@langchain/openai, when something is wrong', () => {
    it('throws errors with their status, and tries again what may be tried again', async () => {
      await expect(modelOf({ model: 'gpt-9' }).invoke('Hello')).rejects.toMatchObject({ status: 404 })
      const answers = watchAnswers(stack())
      refuseNext(stack(), 503)
      expect((await modelOf({ maxRetries: 1 }).invoke([question()])).text).toMatch(THREE)
      expect(answers()).toBe(1)
      refuseNext(stack(), 429)
      await expect(modelOf({ maxRetries: 0 }).invoke([question()])).rejects.toMatchObject({ status: 429 })
    })

    it('stops the worker when it is aborted', async () => {
      const abort = new AbortController()
      const model = modelOf({ maxTokens: LONG, modelKwargs: { ignore_eos: true } })
      await expectStopped(stack(), async () => {
        const stream = await model.stream([question()], { signal: abort.signal })
        const reading = (async () => {
          for await (const { text } of stream) if (text !== '') abort.abort()
        })()
        await expect(reading).rejects.toThrow(/abort/i)
      })
    })
  })
}
