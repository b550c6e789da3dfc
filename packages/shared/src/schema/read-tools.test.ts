import { describe, expect, it } from 'vitest'
import { AppError } from '../errors/index.ts'
import { readChatRequest } from './index.ts'

const hello = { model: 'm', messages: [{ role: 'user', content: 'hello' }] }
const tool = (name: string, more = {}) => ({ type: 'function', function: { name, ...more } })
const named = (name: string) => ({ type: 'function', function: { name } })
const parameters = { type: 'object', properties: { city: { type: 'string' } } }

function refusalOf(body: unknown): AppError {
  try {
    readChatRequest(body)
  } catch (error) {
    if (AppError.isInstance(error)) return error
    throw error
  }
  throw new Error('the request was accepted')
}

describe('how readChatRequest reads the functions that may be called', () => {
  it('takes them with what they say of themselves', () => {
    const tools = [tool('now'), tool('weather', { description: 'The weather.', parameters, strict: true })]
    expect(readChatRequest({ ...hello, tools }).tools).toEqual({
      functions: [
        { name: 'now', strict: false, param: 'tools[0].function.parameters' },
        {
          name: 'weather',
          description: 'The weather.',
          parameters,
          strict: true,
          param: 'tools[1].function.parameters',
        },
      ],
      choice: 'auto',
      parallel: true,
    })
  })

  it.each<[unknown, unknown]>([
    [null, 'auto'],
    ['auto', 'auto'],
    ['none', 'none'],
    ['required', 'required'],
    [named('b'), { name: 'b' }],
  ])('takes tool_choice %j', (tool_choice, choice) => {
    expect(readChatRequest({ ...hello, tools: [tool('a'), tool('b')], tool_choice }).tools.choice).toEqual(choice)
  })

  it('knows only the allowed ones where some are allowed', () => {
    const tool_choice = { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [named('b')] } }
    const { tools } = readChatRequest({
      ...hello,
      tools: [tool('a'), tool('b')],
      tool_choice,
      parallel_tool_calls: false,
    })
    expect(tools).toMatchObject({ functions: [{ name: 'b' }], choice: 'required', parallel: false })
  })

  it('tolerates a choice among nothing (rule 6)', () => {
    for (const tool_choice of ['auto', 'none']) {
      expect(readChatRequest({ ...hello, tools: [], tool_choice }).tools.functions).toEqual([])
    }
  })

  it.each<[string, unknown, string]>([
    ['a name with a space', { tools: [tool('a b')] }, 'tools[0].function.name'],
    ['two of one name', { tools: [tool('a'), tool('b'), tool('a')] }, 'tools[2].function.name'],
    ['one without a function', { tools: [{ type: 'function' }] }, 'tools[0].function'],
    ['a schema that is none', { tools: [tool('a', { parameters: 'x' })] }, 'tools[0].function.parameters'],
    ['too many', { tools: Array.from({ length: 129 }, (_, at) => tool(`f${at}`)) }, 'tools'],
    ['a choice that is none of them', { tools: [tool('a')], tool_choice: named('b') }, 'tool_choice.function.name'],
    ['required without any', { tool_choice: 'required' }, 'tool_choice'],
    ['an unknown choice', { tools: [tool('a')], tool_choice: 'any' }, 'tool_choice'],
    [
      'an allowed one that is none of them',
      {
        tools: [tool('a')],
        tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [named('a'), named('b')] } },
      },
      'tool_choice.allowed_tools.tools[1].function.name',
    ],
  ])('refuses %s', (_, fields, param) => {
    expect(refusalOf({ ...hello, ...Object(fields) })).toMatchObject({ code: 'request.invalid', param })
  })

  it('refuses custom tools by name', () => {
    expect(refusalOf({ ...hello, tools: [tool('a'), { type: 'custom', custom: { name: 'b' } }] })).toMatchObject({
      code: 'request.unsupported',
      param: 'tools[1].type',
    })
  })
})

const call = (id: string, text = '{"a": 1}') => ({ id, type: 'function', function: { name: 'f', arguments: text } })
const caller = (...tool_calls: unknown[]) => ({ role: 'assistant', content: null, tool_calls })
const result = (tool_call_id: string) => ({ role: 'tool', tool_call_id, content: 'done' })
const talk = (...messages: unknown[]) => ({ model: 'm', messages: [...hello.messages, ...messages] })

describe('how readChatRequest reads calls and their results', () => {
  it('takes them in any order, their arguments as they were written', () => {
    const body = talk(caller(call('x'), call('y', '')), result('y'), { ...result('x'), name: 'f' })
    expect(readChatRequest(body).messages.slice(1)).toEqual([
      {
        role: 'assistant',
        content: '',
        toolCalls: [
          { id: 'x', name: 'f', arguments: '{"a": 1}' },
          { id: 'y', name: 'f', arguments: '{}' },
        ],
      },
      { role: 'tool', content: 'done', toolCallId: 'y' },
      { role: 'tool', content: 'done', toolCallId: 'x', name: 'f' },
    ])
    expect(readChatRequest(body).ignored).toEqual([])
  })

  it('takes an id again in a later answer: some clients count from 0 each time', () => {
    const once = [caller(call('call_0')), result('call_0')]
    expect(readChatRequest(talk(...once, ...once)).messages).toHaveLength(5)
  })

  it.each<[string, unknown, string]>([
    ['a result without a call', talk(result('x')), 'messages[1].tool_call_id'],
    ['a result of another call', talk(caller(call('x')), result('z')), 'messages[2].tool_call_id'],
    ['a second result', talk(caller(call('x')), result('x'), result('x')), 'messages[3].tool_call_id'],
    ['a call without a result', talk(caller(call('x'), call('y')), result('x')), 'messages[1].tool_calls'],
    [
      'a call whose result comes too late',
      talk(caller(call('x')), { role: 'user', content: 'and?' }, result('x')),
      'messages[1].tool_calls',
    ],
    ['two calls of one id', talk(caller(call('x'), call('x')), result('x')), 'messages[1].tool_calls'],
    [
      'arguments that were cut off',
      talk(caller(call('x', '{"a": ')), result('x')),
      'messages[1].tool_calls[0].function.arguments',
    ],
    [
      'arguments that are a list',
      talk(caller(call('x', '[1]')), result('x')),
      'messages[1].tool_calls[0].function.arguments',
    ],
    ['a result without an id', talk({ role: 'tool', content: 'x' }), 'messages[1].tool_call_id'],
  ])('refuses %s', (_, body, param) => {
    expect(refusalOf(body)).toMatchObject({ code: 'request.invalid', param })
  })

  it('says which ids would do', () => {
    expect(refusalOf(talk(caller(call('x'), call('y')), result('z'))).message).toBe(
      'messages[2].tool_call_id: expected one of "x", "y", found "z".',
    )
  })
})

describe('how readChatRequest reads the terms of a request', () => {
  it.each<[unknown, unknown]>([
    [{ service_tier: 'priority' }, { serviceTier: 'priority', priority: -1 }],
    [{ service_tier: 'flex' }, { serviceTier: 'flex', priority: 10 }],
    [{ service_tier: 'auto' }, { serviceTier: 'default', priority: 0 }],
    [
      { service_tier: 'flex', priority: 3 },
      { serviceTier: 'flex', priority: 3 },
    ],
    [{ cache_salt: 'abc' }, { cacheSalt: 'abc' }],
    [{ min_tokens: 3 }, { answer: { minTokens: 3 } }],
    [{ include_stop_str_in_output: true }, { answer: { showsStop: true } }],
    [{ user: 'u', safety_identifier: 's', prompt_cache_key: 'p' }, { ignored: [] }],
    [
      { skip_special_tokens: true, add_generation_prompt: true },
      { continuesFinal: false, ignored: [] },
    ],
    [{ metadata: { a: 'b' }, verbosity: 'low' }, { ignored: ['metadata', 'verbosity'] }],
  ])('%j', (fields, expected) => {
    expect(readChatRequest({ ...hello, ...Object(fields) })).toMatchObject(Object(expected))
  })

  it('goes on with the last message of an assistant where it is asked to', () => {
    const asked = { continue_final_message: true, add_generation_prompt: false }
    expect(readChatRequest({ ...talk({ role: 'assistant', content: 'so' }), ...asked }).continuesFinal).toBe(true)
    expect(refusalOf({ ...hello, ...asked }).param).toBe('continue_final_message')
  })

  const tools = [tool('f')]
  it.each<[unknown, string, string]>([
    [{ tools, ignore_eos: true }, 'ignore_eos', 'request.invalid'],
    [{ guided_regex: 'a', min_tokens: 1 }, 'min_tokens', 'request.invalid'],
    [{ max_tokens: 2, min_tokens: 3 }, 'min_tokens', 'request.invalid'],
    [{ tools, guided_regex: 'a' }, 'guided_regex', 'request.unsupported'],
    [{ stop_token_ids: [1], include_stop_str_in_output: true }, 'include_stop_str_in_output', 'request.unsupported'],
    [{ add_generation_prompt: false }, 'add_generation_prompt', 'request.invalid'],
    [{ priority: -1 }, 'priority', 'request.invalid'],
    [{ service_tier: 'gold' }, 'service_tier', 'request.invalid'],
    [{ cache_salt: '' }, 'cache_salt', 'request.invalid'],
  ])('refuses %j', (fields, param, code) => {
    expect(refusalOf({ ...hello, ...Object(fields) })).toMatchObject({ code, param })
  })
})
