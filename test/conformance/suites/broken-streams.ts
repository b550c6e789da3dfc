import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import Anthropic from '@anthropic-ai/sdk'
import { ChatOpenAI } from '@langchain/openai'
import { streamText } from 'ai'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { MODEL, type Stack } from '../../e2e/support/stack.ts'
import { LONG } from '../support.ts'

/** An answer that goes on, whatever the model would say: a number has no last digit. */
const schema = {
  type: 'object',
  properties: { n: { type: 'integer' } },
  required: ['n'],
  additionalProperties: false,
}
const format = { type: 'json_schema' as const, json_schema: { name: 'endless', schema, strict: true } }
const question = { role: 'user' as const, content: 'Count.' }

/** Reads a long answer with a library; `onText` is called for each piece. */
type ReadLong = (edgeUrl: string, onText: () => void) => Promise<unknown>

const READERS: Readonly<Record<string, ReadLong>> = {
  openai: async (edgeUrl, onText) => {
    const client = new OpenAI({ apiKey: 'unused', baseURL: `${edgeUrl}/v1` })
    const body = { model: MODEL, max_tokens: LONG, temperature: 0, messages: [question], response_format: format }
    for await (const { choices } of await client.chat.completions.create({ ...body, stream: true })) {
      if (choices[0]?.delta.content) onText()
    }
  },
  ai: async (edgeUrl, onText) => {
    const provider = createOpenAICompatible({ name: 'loupe', baseURL: `${edgeUrl}/v1`, apiKey: 'unused' })
    const providerOptions = { loupe: { response_format: format } }
    const asked = { model: provider(MODEL), maxOutputTokens: LONG, temperature: 0, messages: [question] }
    // It logs errors unless it is told what to do with them.
    for await (const part of streamText({ ...asked, providerOptions, onError: () => undefined }).fullStream) {
      if (part.type === 'text-delta') onText()
      if (part.type === 'error') throw part.error
    }
  },
  langchain: async (edgeUrl, onText) => {
    const configuration = { baseURL: `${edgeUrl}/v1` }
    const modelKwargs = { response_format: format }
    const model = new ChatOpenAI({ model: MODEL, apiKey: 'unused', maxTokens: LONG, configuration, modelKwargs })
    for await (const { text } of await model.stream('Count.')) if (text !== '') onText()
  },
  anthropic: async (edgeUrl, onText) => {
    const output_config = { format: { type: 'json_schema' as const, schema } }
    const client = new Anthropic({ apiKey: 'unused', baseURL: edgeUrl })
    const body = { model: MODEL, max_tokens: LONG, temperature: 0, messages: [question], output_config }
    await client.messages.stream(body).on('text', onText).finalMessage()
  },
}

/** A worker that dies in the middle of answers: each library tells its user, instead of an answer that looks whole. */
export function brokenStreamsConformance(stack: () => Stack): void {
  describe('a stream that breaks', () => {
    it('is an error in every library', async () => {
      const begun = new Set<string>()
      let killing: Promise<void> | undefined
      const reading = Object.entries(READERS).map(async ([name, read]) => {
        const all = Object.keys(READERS).length
        await read(stack().edgeUrl, () => {
          if (begun.add(name).size === all) killing ??= stack().worker.kill()
        })
      })
      const ends = await Promise.allSettled(reading)
      await killing
      expect([...begun].toSorted()).toEqual(Object.keys(READERS).toSorted())
      for (const end of ends) {
        expect(end).toMatchObject({
          status: 'rejected',
          reason: expect.objectContaining({ message: expect.stringMatching(/worker/i) }),
        })
      }
    })
  })
}
