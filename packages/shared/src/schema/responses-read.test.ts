import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../errors/index.ts'
import {
  holdItem,
  placedChatRequest,
  type ResponsesRequest,
  readCompletionRequest,
  readEmbeddingsRequest,
  readResponsesRequest,
} from './index.ts'
import { type MessagePlace, placeInResponses } from './responses-places.ts'

const makeId = (prefix: string) => `${prefix}_1`

/** The chat request of a request whose conversation is all in it. */
function chatOf(request: ResponsesRequest) {
  const items = request.input.flatMap((item, index) => {
    const at = `input[${index}]`
    return item.type === 'item_reference' ? [] : [{ item: holdItem(item, at, makeId), place: { at, isWhole: false } }]
  })
  return placedChatRequest(request, items)
}

const call = (id: string) => ({ type: 'function_call', call_id: id, name: 'f', arguments: '{}' })
const output = (id: string) => ({ type: 'function_call_output', call_id: id, output: 'x' })
const user = { role: 'user', content: 'Hello' }

describe('a request to the Responses API', () => {
  it('is the chat request that asks for the same', () => {
    const image = { type: 'input_image', image_url: 'https://example.com/a.png', detail: 'high' }
    const { request } = chatOf(
      readResponsesRequest({
        model: 'm',
        instructions: 'Be brief.',
        input: [
          { role: 'developer', content: 'Rules.' },
          { role: 'user', content: [{ type: 'input_text', text: 'What?' }, image] },
          { role: 'assistant', content: [{ type: 'output_text', text: 'A cat.', annotations: [] }] },
          user,
        ],
        max_output_tokens: 5,
        stop: ['x'],
        stream: true,
      }),
    )
    expect(request).toMatchObject({ model: 'm', stream: true, answer: { maxTokens: 5, stop: ['x'], choices: 1 } })
    const text = (text: string) => [{ type: 'text', text }]
    expect(request.messages).toEqual([
      { role: 'system', content: text('Be brief.') },
      { role: 'system', content: text('Rules.') },
      {
        role: 'user',
        content: [
          ...text('What?'),
          {
            type: 'image',
            address: 'https://example.com/a.png',
            detail: 'high',
            param: 'messages[2].content[1].image_url',
          },
        ],
      },
      { role: 'assistant', content: text('A cat.') },
      { role: 'user', content: text('Hello') },
    ])
  })

  it('has calls side by side, behind a text or not, as one message', () => {
    const said = { role: 'assistant', content: 'Let me see.' }
    const input = [user, said, call('a'), call('b'), output('a'), output('b'), call('c'), output('c')]
    const { request, places } = chatOf(readResponsesRequest({ model: 'm', input }))
    expect(request.messages.map(({ role, toolCalls }) => [role, toolCalls?.map(({ id }) => id)])).toEqual([
      ['user', undefined],
      ['assistant', ['a', 'b']],
      ['tool', undefined],
      ['tool', undefined],
      ['assistant', ['c']],
      ['tool', undefined],
    ])
    expect(places[1]?.calls.map(({ at }) => at)).toEqual(['input[2]', 'input[3]'])
  })
})

describe('a path of the chat request', () => {
  const places: MessagePlace[] = [
    { at: 'instructions', isWhole: true, calls: [] },
    { at: 'previous_response_id', isWhole: true, calls: [] },
    { at: 'input[0]', isWhole: false, calls: [{ at: 'input[1]', isWhole: false }] },
  ]

  it.each([
    ['messages[0].content', 'instructions'],
    ['messages[1].content[2].image_url', 'previous_response_id'],
    ['messages[2].content[2].image_url', 'input[0].content[2].image_url'],
    ['messages[2].role', 'input[0].role'],
    ['messages[2].tool_calls[0].function.arguments', 'input[1].arguments'],
    ['messages[2].tool_calls[0].id', 'input[1].call_id'],
    ['messages[2].tool_calls', 'input[0]'],
    ['messages[2].tool_call_id', 'input[0].call_id'],
    ['messages', 'input'],
    ['max_completion_tokens', 'max_output_tokens'],
    ['response_format', 'text.format'],
    ['response_format.json_schema.schema.properties.a', 'text.format.schema.properties.a'],
    ['tools[3].function.parameters.type', 'tools[3].parameters.type'],
    ['tool_choice.function.name', 'tool_choice.name'],
    ['tool_choice.allowed_tools.tools[1].function.name', 'tool_choice.tools[1].name'],
    ['temperature', 'temperature'],
  ])('%s is %s', (chat, here) => {
    expect(placeInResponses(chat, places)).toBe(here)
  })
})

const FIELDS =
  'model input prompt instructions text tools tool_choice include metadata store stream echo n logprobs suffix reasoning best_of dimensions'.split(
    ' ',
  )
const part = fc.record(
  {
    type: fc.constantFrom('input_text', 'input_image', 'output_text', 'x'),
    text: fc.jsonValue(),
    image_url: fc.jsonValue(),
  },
  { requiredKeys: [] },
)
const item = fc.record(
  {
    type: fc.constantFrom('message', 'function_call', 'function_call_output', 'item_reference', 'reasoning', 3),
    role: fc.constantFrom('user', 'system', 'assistant', 'developer', 3),
    content: fc.oneof(fc.jsonValue(), fc.array(part, { maxLength: 4 })),
    output: fc.jsonValue(),
    call_id: fc.string(),
    id: fc.string(),
    name: fc.constantFrom('f', ''),
    arguments: fc.constantFrom('{}', '['),
  },
  { requiredKeys: [] },
)
const body = fc.oneof(
  fc.jsonValue(),
  fc.dictionary(fc.constantFrom(...FIELDS), fc.jsonValue(), { minKeys: 1 }),
  fc.record({ model: fc.constant('m'), input: fc.array(item, { maxLength: 4 }), extra: fc.jsonValue() }),
  fc.record({ model: fc.constant('m'), prompt: fc.jsonValue() }),
)

describe('whatever is asked', () => {
  it.each([
    ['a deep list', JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)],
    ['an object without a text', { toString: 1, valueOf: 1 }],
  ])('%s where a role should be is not quoted, which had no end', (_, role) => {
    const input = [{ role, content: [{ type: 'input_image', image_url: 'data:a' }] }]
    expect(() => readResponsesRequest({ model: 'm', input })).toThrow(AppError)
  })

  it.each([
    ['for a response', (value: unknown) => chatOf(readResponsesRequest(value))],
    ['for a completion', readCompletionRequest],
    ['for an embedding', readEmbeddingsRequest],
  ])('%s is a request or an AppError', (_, read) => {
    fc.assert(
      fc.property(body, (value) => {
        try {
          read(value)
        } catch (error) {
          expect(AppError.isInstance(error) && error.code).toMatch(
            /^(request\.(invalid|unsupported)|grammar\.invalid)$/,
          )
        }
      }),
      { numRuns: 300, seed: 6 },
    )
  })
})
