import { responseObject } from '@loupe/shared/schema'
import { describe, expect, it } from 'vitest'
import { ResponseWriter } from './response-writer.ts'

const draft = responseObject.parse({
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  completed_at: null,
  status: 'in_progress',
  error: null,
  incomplete_details: null,
  model: 'm',
  output: [],
  usage: null,
  background: false,
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: {},
  parallel_tool_calls: true,
  previous_response_id: null,
  prompt_cache_key: null,
  reasoning: { effort: null, summary: null },
  safety_identifier: null,
  service_tier: 'default',
  store: true,
  temperature: null,
  text: { format: { type: 'text' } },
  tool_choice: 'auto',
  tools: [],
  top_logprobs: 0,
  top_p: null,
  truncation: 'disabled',
  user: null,
})

function writer(): ResponseWriter {
  let made = 0
  const makeId = (prefix: string) => `${prefix}_${made++}`
  return new ResponseWriter({ draft, promptTokens: 7, imageTokens: 4, makeId, nowMs: () => 5000 })
}

const completionTokens = 1
const text = (text: string) => ({ type: 'text' as const, choice: 0, text, logprobs: [], completionTokens })
const end = (finishReason: 'stop' | 'length' | 'tool_calls') =>
  ({ type: 'end', choice: 0, finishReason, completionTokens }) as const
const call = (index: number, name: string) =>
  ({ type: 'tool_call', choice: 0, index, id: `call_${index}`, name, completionTokens }) as const
const args = (index: number, text: string) =>
  ({ type: 'tool_arguments', choice: 0, index, text, completionTokens }) as const

describe('a writer', () => {
  it('makes items of a text and of the calls behind it, each opened and closed in its turn', () => {
    const written = writer()
    const events = [
      text('Let me look.'),
      call(0, 'f'),
      args(0, '{"a"'),
      args(0, ':1}'),
      call(1, 'g'),
      args(1, '{}'),
      end('tool_calls'),
    ]
    const steps = events.flatMap((event) => [...written.take(event)])
    expect(steps.map((step) => [step.type, 'output_index' in step ? step.output_index : undefined])).toEqual([
      ['response.output_item.added', 0],
      ['response.content_part.added', 0],
      ['response.output_text.delta', 0],
      ['response.output_text.done', 0],
      ['response.content_part.done', 0],
      ['response.output_item.done', 0],
      ['response.output_item.added', 1],
      ['response.function_call_arguments.delta', 1],
      ['response.function_call_arguments.delta', 1],
      ['response.function_call_arguments.done', 1],
      ['response.output_item.done', 1],
      ['response.output_item.added', 2],
      ['response.function_call_arguments.delta', 2],
      ['response.function_call_arguments.done', 2],
      ['response.output_item.done', 2],
    ])
    const called = { type: 'function_call', status: 'completed' }
    expect(written.finish({ completionTokens: 9, cachedTokens: 2 })).toEqual({
      ...draft,
      status: 'completed',
      completed_at: 5,
      output: [
        {
          id: 'msg_0',
          type: 'message',
          status: 'completed',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'Let me look.', annotations: [], logprobs: [] }],
        },
        { id: 'fc_1', ...called, call_id: 'call_0', name: 'f', arguments: '{"a":1}' },
        { id: 'fc_2', ...called, call_id: 'call_1', name: 'g', arguments: '{}' },
      ],
      usage: {
        input_tokens: 7,
        input_tokens_details: { cached_tokens: 2, cache_write_tokens: 0, image_tokens: 4 },
        output_tokens: 9,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 16,
      },
    })
  })

  it('calls the item incomplete that the length has cut', () => {
    const written = writer()
    const steps = [call(0, 'f'), args(0, '{"a"'), end('length')].flatMap((event) => [...written.take(event)])
    expect(steps.at(-1)).toMatchObject({ item: { status: 'incomplete', arguments: '{"a"' } })
    expect(written.finish({ completionTokens: 9, cachedTokens: 0 })).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    })
  })

  it('fails with what is there', () => {
    const written = writer()
    for (const event of [text('abc'), call(0, 'f'), args(0, '{')]) for (const _ of written.take(event));
    expect(written.fail('Lost.')).toMatchObject({
      status: 'failed',
      error: { code: 'server_error', message: 'Lost.' },
      usage: null,
      output: [
        { type: 'message', status: 'completed' },
        { type: 'function_call', status: 'incomplete', arguments: '{' },
      ],
    })
  })

  it('does not change what it has told', () => {
    const written = writer()
    const told = [...written.take(text('a'))]
    const before = JSON.stringify(told)
    for (const event of [text('b'), end('stop')]) for (const _ of written.take(event));
    expect(JSON.stringify(told)).toBe(before)
  })
})
