import Anthropic, {
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  RateLimitError,
} from '@anthropic-ai/sdk'
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod'
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createKey } from '../../e2e/support/key-admin.ts'
import { MODEL, type Stack } from '../../e2e/support/stack.ts'
import { expectStopped, HOW_MANY, LONG, refuseNext, STARS, THREE, tellingFetch } from '../support.ts'

const Seen = z.object({ color: z.enum(['blue', 'red']), count: z.int().min(0).max(9) })
/** The helper tells bounds of numbers in words, and without them this model writes digits to the end. */
const Named = z.object({ color: z.enum(['blue', 'red']), count: z.enum(['two', 'three']) })
const endless = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'], additionalProperties: false }
const base64 = () => STARS().replace(/^.*,/, '')
const picture = () => ({
  type: 'image' as const,
  source: { type: 'base64' as const, media_type: 'image/png' as const, data: base64() },
})
const question = { type: 'text' as const, text: HOW_MANY }
const asked = () => ({
  model: MODEL,
  temperature: 0,
  max_tokens: 300,
  messages: [{ role: 'user' as const, content: [picture(), question] }],
})
const counted = () => ({ model: MODEL, messages: asked().messages })
const report = {
  name: 'report',
  description: 'Reports what is seen.',
  input_schema: { ...z.toJSONSchema(Seen), type: 'object' as const },
}

type ClientOf = (options?: ConstructorParameters<typeof Anthropic>[0]) => Anthropic

/** `@anthropic-ai/sdk`. */
export function anthropicConformance(stack: () => Stack): void {
  const clientOf: ClientOf = (options) => new Anthropic({ apiKey: 'unused', baseURL: stack().edgeUrl, ...options })
  answersSuite(stack, clientOf)
  toolsSuite(clientOf)
  faultsSuite(stack, clientOf)
}

const textOf = ({ content }: Anthropic.Message) => content.map((block) => ('text' in block ? block.text : '')).join('')

function answersSuite(stack: () => Stack, clientOf: ClientOf): void {
  describe('@anthropic-ai/sdk', () => {
    it('creates messages about a picture, whole, streamed and with its helper', async () => {
      const client = clientOf()
      const whole = await client.messages.create(asked())
      expect(textOf(whole)).toMatch(THREE)
      expect([whole.type, whole.stop_reason, whole._request_id]).toEqual([
        'message',
        'end_turn',
        expect.stringMatching(/^req_/),
      ])
      let streamed = ''
      for await (const event of await client.messages.create({ ...asked(), stream: true })) {
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') streamed += event.delta.text
      }
      const helper = await client.messages.stream(asked()).finalMessage()
      expect([streamed, textOf(helper)]).toEqual([textOf(whole), textOf(whole)])
      expect(Object.keys(helper)).toEqual(expect.arrayContaining(Object.keys(whole)))
      // The picture was there before: what the cache had is told apart.
      const { input_tokens: read, cache_read_input_tokens: cached } = helper.usage
      expect(cached).toBeGreaterThan(0)
      expect(read + (cached ?? 0)).toBe((await client.messages.countTokens(counted())).input_tokens)
    })

    it('fetches a picture by its address, with instructions beside it', async () => {
      const url = `${stack().pictures.url.replace(/\/$/, '')}/three-blue-stars.png`
      const source = { type: 'url' as const, url }
      const reply = await clientOf().messages.create({
        ...asked(),
        messages: [{ role: 'user', content: [{ type: 'image', source }, question] }],
      })
      expect(textOf(reply)).toMatch(THREE)
    })

    it('tells which stop sequence has ended an answer', async () => {
      const reply = await clientOf().messages.create({ ...asked(), stop_sequences: ['re'] })
      expect([reply.stop_reason, reply.stop_sequence, textOf(reply)]).toEqual(['stop_sequence', 're', 'Th'])
    })
  })
}

function toolsSuite(clientOf: ClientOf): void {
  describe('@anthropic-ai/sdk with tools and schemas', () => {
    it('calls tools, whole and streamed, and goes on with their results', async () => {
      const client = clientOf()
      const calling = {
        ...asked(),
        tools: [report],
        tool_choice: { type: 'any' as const, disable_parallel_tool_use: true },
      }
      const whole = await client.messages.create(calling)
      const [call] = whole.content
      if (call?.type !== 'tool_use') return expect.fail('expected a call')
      expect([whole.stop_reason, call.name, Seen.safeParse(call.input).success]).toEqual(['tool_use', 'report', true])
      const streamed = await client.messages.stream(calling).finalMessage()
      expect(streamed.content).toMatchObject([{ type: 'tool_use', input: call.input }])
      const after = await client.messages.create({
        ...asked(),
        tools: [report],
        tool_choice: { type: 'none' },
        messages: [
          ...asked().messages,
          { role: 'assistant', content: whole.content },
          {
            role: 'user',
            content: [
              { type: 'tool_result', tool_use_id: call.id, content: [{ type: 'text', text: 'noted' }, picture()] },
            ],
          },
        ],
      })
      expect(after.content).toMatchObject([{ type: 'text' }])
    })

    it('lets its runner make the calls', async () => {
      const seen: unknown[] = []
      const run = (args: z.infer<typeof Seen>) => {
        seen.push(args)
        return 'noted'
      }
      const tool = betaZodTool({ name: 'report', description: 'Reports what is seen.', inputSchema: Seen, run })
      const tool_choice = { type: 'tool' as const, name: 'report', disable_parallel_tool_use: true }
      const runner = clientOf().beta.messages.toolRunner({ ...asked(), tools: [tool], tool_choice, max_iterations: 2 })
      const ends: unknown[] = []
      for await (const { stop_reason } of runner) ends.push(stop_reason)
      expect(ends).toEqual(['tool_use', 'tool_use'])
      expect(seen[0]).toEqual(Seen.parse(seen[0]))
    })

    it('parses an answer by a zod schema', async () => {
      const output_config = { format: zodOutputFormat(Named) }
      const { parsed_output: parsed } = await clientOf().messages.parse({ ...asked(), output_config })
      expect(Named.safeParse(parsed).success).toBe(true)
    })
  })
}

function faultsSuite(stack: () => Stack, clientOf: ClientOf): void {
  describe('@anthropic-ai/sdk, when something is wrong', () => {
    it('throws the class of each fault, and does not try again what cannot be mended', async () => {
      const { fetch, statuses } = tellingFetch()
      const create = (more: object) => clientOf({ fetch }).messages.create({ ...asked(), ...more })
      await expect(create({ model: 'claude-9' })).rejects.toThrow(NotFoundError)
      await expect(create({ thinking: { type: 'enabled', budget_tokens: 1024 } })).rejects.toThrow(BadRequestError)
      await expect(create({ tools: [{ type: 'web_search_20250305', name: 'web_search' }] })).rejects.toMatchObject({
        status: 400,
        type: 'invalid_request_error',
        requestID: expect.stringMatching(/^req_/),
        error: { error: { param: 'tools[0].type', code: 'request.unsupported' } },
      })
      expect(statuses).toEqual([404, 400, 400])
    })

    it('is let in by its key, and refused with one that is not valid', async () => {
      const { key } = await createKey(stack(), {})
      expect((await clientOf({ apiKey: key }).messages.countTokens(counted())).input_tokens).toBeGreaterThan(256)
      const bearer = clientOf({ apiKey: null, authToken: key })
      expect((await bearer.models.list()).data.map(({ id }) => id)).toEqual([MODEL])
      const made = clientOf({ apiKey: `${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}` })
      await expect(made.messages.create(asked())).rejects.toThrow(AuthenticationError)
    })

    it('tries again when the worker is not ready, as often as it was told', async () => {
      const { fetch, statuses } = tellingFetch()
      refuseNext(stack(), 503)
      expect(textOf(await clientOf({ fetch }).messages.create(asked()))).toMatch(THREE)
      expect(statuses).toEqual([503, 200])
      refuseNext(stack(), 429)
      await expect(clientOf({ maxRetries: 0 }).messages.create(asked())).rejects.toThrow(RateLimitError)
    })

    it('stops the worker when it is aborted', async () => {
      await expectStopped(stack(), async () => {
        const output_config = { format: { type: 'json_schema' as const, schema: endless } }
        const stream = clientOf().messages.stream({ ...asked(), max_tokens: LONG, output_config })
        stream.once('text', () => stream.abort())
        await expect(stream.finalMessage()).rejects.toThrow(APIUserAbortError)
      })
    })
  })
}
