import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../errors/index.ts'
import { placeInMessages } from './anthropic-places.ts'
import { readCountTokensRequest, readMessagesRequest } from './index.ts'

const user = { role: 'user', content: 'Hello' }
const minimal = { model: 'm', max_tokens: 5, messages: [user] }
const read = (body: Readonly<Record<string, unknown>>) => readMessagesRequest({ ...minimal, ...body })
const text = (text: string) => ({ type: 'text', text })
const tool = { name: 'look', description: 'Looks.', input_schema: { type: 'object', properties: {} }, strict: true }
/** A list in a list in a list. */
const deep = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`)
const use = (id: string) => ({ type: 'tool_use', id, name: 'look', input: { at: [1] } })
const result = (id: string, more: object = {}) => ({ type: 'tool_result', tool_use_id: id, content: 'x', ...more })
const picture = (source: object) => ({ type: 'image', source })
const asked = (...content: object[]) => [{ role: 'user', content }]

function faultOf(body: Readonly<Record<string, unknown>>): { code: string; param: string | undefined; detail: string } {
  try {
    read(body)
  } catch (error) {
    if (AppError.isInstance(error)) return error
    throw error
  }
  return expect.fail('expected a fault')
}

describe('a request for a message', () => {
  it('is the chat request that asks for the same', () => {
    const { chat } = read({
      system: [text('Be brief.'), text('Be kind.')],
      messages: asked(picture({ type: 'base64', media_type: 'image/png', data: 'AAAA' }), text('What?')),
      stop_sequences: ['x', 'y'],
      temperature: 0.5,
      top_p: 0.9,
      top_k: 7,
      stream: true,
      service_tier: 'auto',
      metadata: { user_id: 'u' },
      thinking: { type: 'disabled' },
      cache_control: { type: 'ephemeral' },
    })
    expect(chat.messages).toEqual([
      { role: 'system', content: [text('Be brief.'), text('Be kind.')] },
      {
        role: 'user',
        content: [
          {
            type: 'image',
            address: 'data:image/png;base64,AAAA',
            detail: 'auto',
            param: 'messages[1].content[0].image_url',
          },
          text('What?'),
        ],
      },
    ])
    expect(chat).toMatchObject({ model: 'm', stream: true, serviceTier: 'default', ignored: [] })
    expect(chat.answer).toMatchObject({ maxTokens: 5, stop: ['x', 'y'], temperature: 0.5, topP: 0.9, topK: 7 })
  })

  it('has calls in what the assistant said and results as messages of their own', () => {
    const { chat } = read({
      tools: [tool],
      messages: [
        user,
        { role: 'assistant', content: [text('Wait.'), use('a'), use('b')] },
        {
          role: 'user',
          content: [
            result('b', { content: [text('no'), picture({ type: 'url', url: 'https://a.example/b.png' })] }),
            result('a', { is_error: true, content: 'gone' }),
            text('And?'),
          ],
        },
      ],
    })
    const calls = ['a', 'b'].map((id) => ({ id, name: 'look', arguments: '{"at":[1]}' }))
    expect(chat.messages.slice(1)).toMatchObject([
      { role: 'assistant', content: [text('Wait.')], toolCalls: calls },
      { role: 'tool', toolCallId: 'b', content: [text('no'), { address: 'https://a.example/b.png' }] },
      { role: 'tool', toolCallId: 'a', content: [text('Error: '), text('gone')] },
      { role: 'user', content: [text('And?')] },
    ])
  })

  it('puts messages of one role together, a blank line between their texts', () => {
    const { chat } = read({ messages: [user, { role: 'user', content: [text('there'), text('!')] }] })
    expect(chat.messages).toMatchObject([{ role: 'user', content: [text('Hello\n\nthere'), text('!')] }])
  })

  it('is gone on with where the assistant has begun to answer', () => {
    const { chat } = read({ messages: [user, { role: 'assistant', content: 'A red' }] })
    expect(chat.continuesFinal).toBe(true)
    expect(read({}).chat.continuesFinal).toBe(false)
  })

  it.each([
    [{ type: 'auto' }, 'auto', true],
    [{ type: 'any', disable_parallel_tool_use: true }, 'required', false],
    [{ type: 'tool', name: 'look' }, { name: 'look' }, true],
    [{ type: 'none' }, 'none', true],
  ])('may choose functions: %j', (tool_choice, choice, parallel) => {
    const { tools } = read({ tools: [tool], tool_choice }).chat
    expect(tools).toMatchObject({ choice, parallel, functions: [{ name: 'look', strict: true }] })
  })

  it('may ask for JSON of a schema', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }
    const { structure } = read({ output_config: { format: { type: 'json_schema', schema } } }).chat.answer
    expect(structure?.grammar.type).toBe('json_schema')
  })

  it('names fields that have no effect', () => {
    const block = { ...text('a'), mood: 'good', cache_control: { type: 'ephemeral' } }
    const body = { messages: asked(block), seed: 3, output_config: { effort: 'low' }, tools: [{ ...tool, x: 1 }] }
    expect(read(body).chat.ignored).toEqual([
      'seed',
      'output_config.effort',
      'tools[0].x',
      'messages[0].content[0].mood',
    ])
  })

  it('says how long the answer may be, unless its tokens are only counted', () => {
    const body = { model: 'm', messages: [user] }
    expect(() => readMessagesRequest(body)).toThrow(/max_tokens/)
    expect(readCountTokensRequest(body).chat.answer.maxTokens).toBeUndefined()
  })
})

describe('what is refused', () => {
  it.each([
    ['thinking', { thinking: { type: 'enabled', budget_tokens: 1024 } }, 'thinking'],
    ['a container', { container: 'c' }, 'container'],
    ['a thread', { thread: { type: 'create' } }, 'thread'],
    ['servers of tools', { mcp_servers: [{ type: 'url' }] }, 'mcp_servers'],
    ['a built-in tool', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, 'tools[0].type'],
    ['a document', { messages: asked({ type: 'document' }) }, 'messages[0].content[0].type'],
    [
      'a document as a result',
      { messages: asked(result('a', { content: [{ type: 'document' }] })) },
      'messages[0].content[0].content[0].type',
    ],
    [
      'a picture that the assistant shows',
      { messages: [{ role: 'assistant', content: [picture({ type: 'url', url: 'https://a.example' })] }] },
      'messages[0].content[0]',
    ],
  ])('by name: %s', (_, body, param) => {
    expect(faultOf(body)).toMatchObject({ code: 'request.unsupported', param })
  })

  it.each([
    ['no messages', { messages: [] }, 'messages'],
    ['an empty stop sequence', { stop_sequences: ['a', ''] }, 'stop_sequences[1]'],
    ['a text where a block should be', { messages: asked({ type: 'text', text: 5 }) }, 'messages[0].content[0].text'],
    [
      'another media type',
      { messages: asked(picture({ type: 'base64', media_type: 'a', data: '' })) },
      'messages[0].content[0].source.media_type',
    ],
    ['a choice without tools', { tool_choice: { type: 'tool', name: 'f' } }, 'tool_choice.name'],
    ['two tools of one name', { tools: [tool, tool] }, 'tools[1].name'],
    [
      'arguments that are no object',
      { tools: [{ ...tool, input_schema: { type: 'array' } }] },
      'tools[0].input_schema.type',
    ],
    ['a result without a call', { messages: asked(result('a')) }, 'messages[0].content[0].tool_use_id'],
    [
      'a call without its result',
      { messages: [{ role: 'assistant', content: [text(''), use('a')] }, user] },
      'messages[0].content',
    ],
    ['a result behind a text', { messages: asked(text('a'), result('a')) }, 'messages[0].content[1]'],
    ['a user that calls', { messages: asked(use('a')) }, 'messages[0].content[0]'],
    [
      'a text behind a call',
      { messages: [{ role: 'assistant', content: [use('a'), text('a')] }] },
      'messages[0].content[1]',
    ],
    [
      'arguments too deep to be written again',
      { messages: [{ role: 'assistant', content: [{ ...use('a'), input: { at: deep(100_000) } }] }] },
      'messages[0].content[0].input',
    ],
    ['blocks without end', { messages: asked(...Array.from({ length: 8193 }, () => text(''))) }, 'messages'],
  ])('as invalid: %s', (_, body, param) => {
    const { code, detail, param: found } = faultOf(body)
    expect([code, found]).toEqual(['request.invalid', param])
    expect(detail.startsWith(param)).toBe(true)
  })

  it('is nothing but an AppError, whatever the body', () => {
    const part = fc.constantFrom(text('a'), use('a'), result('a'), picture({ type: 'url', url: 'x' }), { type: 'x' }, 1)
    const message = fc.record({
      role: fc.constantFrom('user', 'assistant', 'system', 'x'),
      content: fc.oneof(fc.constantFrom('a', '', null), fc.array(part, { size: 'max', maxLength: 6 })),
    })
    fc.assert(
      fc.property(fc.array(message, { size: 'max', maxLength: 6 }), fc.jsonValue(), (messages, any) => {
        for (const body of [{ messages }, { messages: any }, { tools: any }, { system: any }, { tool_choice: any }]) {
          try {
            read(body)
          } catch (error) {
            expect(AppError.isInstance(error)).toBe(true)
          }
        }
      }),
    )
  })
})

describe('a path of the chat request', () => {
  const places = [{ at: 'messages[4]', parts: ['messages[4].content[2]'], calls: ['messages[4].content[3]'] }]
  it.each([
    ['messages[0].content[0].image_url.url', 'messages[4].content[2].source'],
    ['messages[0].content[0].file_id', 'messages[4].content[2].source.file_id'],
    ['messages[0].tool_calls[0].function.arguments', 'messages[4].content[3].input'],
    ['messages[0].role', 'messages[4].role'],
    ['response_format.json_schema.schema.a', 'output_config.format.schema.a'],
    ['tools[2].function.parameters.properties.a', 'tools[2].input_schema.properties.a'],
    ['stop[1]', 'stop_sequences[1]'],
    ['user', 'metadata.user_id'],
    ['max_tokens', 'max_tokens'],
  ])('%s is %s', (param, expected) => {
    expect(placeInMessages(param, places)).toBe(expected)
  })
})
