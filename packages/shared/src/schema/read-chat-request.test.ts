import { describe, expect, it } from 'vitest'
import { AppError } from '../errors/index.ts'
import { readChatRequest } from './index.ts'

const hello = { model: 'm', messages: [{ role: 'user', content: 'hello' }] }
const withParts = (...content: unknown[]) => ({ model: 'm', messages: [{ role: 'user', content }] })

function refusalOf(body: unknown): AppError {
  try {
    readChatRequest(body)
  } catch (error) {
    if (AppError.isInstance(error)) return error
    throw error
  }
  throw new Error('the request was accepted')
}

describe('readChatRequest', () => {
  it('takes the smallest request and leaves every option to the model', () => {
    expect(readChatRequest(hello)).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'hello' }],
      tools: { functions: [], choice: 'auto', parallel: true },
      answer: {
        maxTokens: undefined,
        temperature: undefined,
        topP: undefined,
        topK: undefined,
        seed: undefined,
        stop: [],
        stopTokenIds: [],
        ignoreEos: false,
        minP: undefined,
        presencePenalty: undefined,
        frequencyPenalty: undefined,
        repetitionPenalty: undefined,
        logitBias: undefined,
        minTokens: 0,
        showsStop: false,
        choices: 1,
        topLogprobs: undefined,
        structure: undefined,
      },
      continuesFinal: false,
      stream: false,
      includeUsage: false,
      continuousUsage: false,
      ignored: [],
    })
  })

  it('tolerates null in every optional field, and tools: [] (rule 6)', () => {
    const nulls = Object.fromEntries(
      'max_tokens max_completion_tokens stop temperature top_p top_k seed n stream stream_options user tools tool_choice response_format logprobs logit_bias'
        .split(' ')
        .map((field) => [field, null]),
    )
    expect(readChatRequest({ ...hello, ...nulls })).toEqual(readChatRequest(hello))
    const harmless = { tools: [], n: 1, logprobs: false, response_format: { type: 'text' } }
    expect(readChatRequest({ ...hello, ...harmless })).toEqual(readChatRequest(hello))
  })

  it('reads string, null and parts as content (rule 21)', () => {
    const messages = [
      { role: 'developer', content: 'be brief' },
      { role: 'user', content: null },
      { role: 'assistant', content: null, refusal: null, tool_calls: null },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'input_text', text: 'b' },
        ],
      },
    ]
    expect(readChatRequest({ model: 'm', messages }).messages).toEqual([
      { role: 'system', content: 'be brief' },
      { role: 'user', content: '' },
      { role: 'assistant', content: '' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
    ])
  })

  it('reads a picture as an object, as a bare string and as input_image (rule 21)', () => {
    const body = withParts(
      { type: 'image_url', image_url: { url: 'data:a', detail: 'low' } },
      { type: 'image_url', image_url: 'data:b', uuid: 'x' },
      { type: 'input_image', image_url: 'data:c', detail: 'auto' },
    )
    expect(readChatRequest(body).messages[0]?.content).toEqual([
      { type: 'image', address: 'data:a', detail: 'low', param: 'messages[0].content[0].image_url' },
      { type: 'image', address: 'data:b', detail: 'auto', param: 'messages[0].content[1].image_url' },
      { type: 'image', address: 'data:c', detail: 'auto', param: 'messages[0].content[2].image_url' },
    ])
    expect(readChatRequest(body).ignored).toEqual([])
  })

  it.each([
    [{ max_tokens: 5 }, { maxTokens: 5 }],
    [{ max_tokens: 5, max_completion_tokens: 7 }, { maxTokens: 7 }],
    [{ stop: 'x' }, { stop: ['x'] }],
    [{ stop: ['x', 'y'] }, { stop: ['x', 'y'] }],
    [{ top_k: -1 }, { topK: 0 }],
    [
      { top_p: 0, temperature: 1 },
      { temperature: 0, topP: undefined },
    ],
    [{ seed: -3 }, { seed: 3 }],
    [
      { ignore_eos: true, stop_token_ids: [4] },
      { ignoreEos: true, stopTokenIds: [4] },
    ],
  ])('reads %j as %j', (fields, expected) => {
    expect(readChatRequest({ ...hello, ...fields }).answer).toMatchObject(expected)
  })

  it('lists fields that have no effect, and passes over those that ask for nothing', () => {
    const body = {
      ...hello,
      user: 'u',
      reasoning_effort: 'low',
      metadata: {},
      mystery: null,
      messages: [
        {
          role: 'user',
          name: 'ann',
          content: [{ type: 'image_url', image_url: { url: 'data:a', detail: 'high' }, cache_control: { type: 'x' } }],
        },
      ],
    }
    expect(readChatRequest(body).ignored).toEqual([
      'reasoning_effort',
      'messages[0].name',
      'messages[0].content[0].cache_control',
    ])
  })
})

describe('what readChatRequest refuses by its path (rule 16)', () => {
  it.each<[string, unknown, string | undefined]>([
    ['a body that is a list', [], undefined],
    ['a body that is null', null, undefined],
    ['no model', { messages: hello.messages }, 'model'],
    ['no messages', { model: 'm' }, 'messages'],
    ['an empty conversation', { model: 'm', messages: [] }, 'messages'],
    ['a role that does not exist', { model: 'm', messages: [{ role: 'king', content: '' }] }, 'messages[0].role'],
    ['content that is a number', { model: 'm', messages: [{ role: 'user', content: 3 }] }, 'messages[0].content'],
    ['a text part without text', withParts({ type: 'text' }), 'messages[0].content[0].text'],
    ['a picture without an address', withParts({ type: 'image_url' }), 'messages[0].content[0].image_url'],
    [
      'a picture object without url',
      withParts({ type: 'text', text: '' }, { type: 'image_url', image_url: {} }),
      'messages[0].content[1].image_url.url',
    ],
    ['an empty address', withParts({ type: 'image_url', image_url: '' }), 'messages[0].content[0].image_url'],
    ['a temperature above 2', { ...hello, temperature: 2.1 }, 'temperature'],
    ['a temperature that is text', { ...hello, temperature: 'hot' }, 'temperature'],
    ['max_tokens of 0', { ...hello, max_tokens: 0 }, 'max_tokens'],
    ['an empty stop string', { ...hello, stop: ['a', ''] }, 'stop[1]'],
    ['a seed with a fraction', { ...hello, seed: 1.5 }, 'seed'],
    ['stream as text', { ...hello, stream: 'yes' }, 'stream'],
  ])('%s', (_, body, param) => {
    const error = refusalOf(body)
    expect(error.code).toBe('request.invalid')
    expect(error.param).toBe(param)
    expect(error.message).not.toBe('')
  })

  it.each([
    ['messages', { ...hello, messages: Array(2049).fill({}) }, 'messages: Too big'],
    ['parts', withParts(...Array(8193).fill({})), 'messages: expected at most 8192 content parts, found 8193.'],
    ['stop strings', { ...hello, stop: Array(17).fill({}) }, 'stop: Too big'],
    ['stop ids', { ...hello, stop_token_ids: Array(65).fill({}) }, 'stop_token_ids: Too big'],
  ])('counts %s before it looks at any: a body has room for a million faults', (_, body, message) => {
    expect(refusalOf(body).message).toContain(message)
  })

  it.each([
    ['a deep list', JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)],
    ['an object without a text', { toString: 1, valueOf: 1 }],
  ])('does not quote %s where a role should be, which had no end', (_, role) => {
    const content = [{ type: 'image_url', image_url: 'data:a' }]
    expect(refusalOf({ model: 'm', messages: [{ role, content }] })).toMatchObject({ param: 'messages[0].role' })
  })

  it('takes stop ids up to the largest int32', () => {
    expect(readChatRequest({ ...hello, stop_token_ids: [2 ** 31 - 1] }).answer.stopTokenIds).toEqual([2 ** 31 - 1])
    expect(refusalOf({ ...hello, stop_token_ids: [2 ** 31] }).param).toBe('stop_token_ids[0]')
  })

  it('says which types would do', () => {
    expect(refusalOf({ model: 'm', messages: [{ role: 'user', content: 3 }] }).message).toBe(
      'messages[0].content: Invalid input: expected string or null or array',
    )
  })
})

describe('how readChatRequest reads what an answer has to be', () => {
  const schema = { type: 'object', properties: { b: {}, a: {} } }
  const text = JSON.stringify(schema)
  it.each<[unknown, unknown, string]>([
    [{ response_format: { type: 'json_object' } }, { type: 'json_object' }, 'response_format'],
    [
      { response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } } },
      { type: 'json_schema', schema: text },
      'response_format.json_schema.schema',
    ],
    [{ structured_outputs: { json: schema } }, { type: 'json_schema', schema: text }, 'structured_outputs.json'],
    [{ structured_outputs: { json_object: true } }, { type: 'json_object' }, 'structured_outputs.json_object'],
    [{ structured_outputs: { regex: 'a+' } }, { type: 'regex', pattern: 'a+' }, 'structured_outputs.regex'],
    [{ structured_outputs: { choice: ['a'] } }, { type: 'choice', choices: ['a'] }, 'structured_outputs.choice'],
    [{ structured_outputs: { grammar: 'r' } }, { type: 'ebnf', grammar: 'r' }, 'structured_outputs.grammar'],
    [{ guided_json: text, guided_regex: null }, { type: 'json_schema', schema: text }, 'guided_json'],
    [{ guided_regex: 'a+' }, { type: 'regex', pattern: 'a+' }, 'guided_regex'],
    [{ guided_choice: ['a'] }, { type: 'choice', choices: ['a'] }, 'guided_choice'],
    [{ guided_grammar: 'r' }, { type: 'ebnf', grammar: 'r' }, 'guided_grammar'],
  ])('%j', (fields, grammar, param) => {
    expect(readChatRequest({ ...hello, ...Object(fields) }).answer.structure).toEqual({ grammar, param })
  })

  it.each<[string, unknown, string]>([
    ['two that would have to agree', { guided_regex: 'a', response_format: { type: 'json_object' } }, 'guided_regex'],
    ['a format without its schema', { response_format: { type: 'json_schema' } }, 'response_format.json_schema'],
    ['an unknown format', { response_format: { type: 'xml' } }, 'response_format.type'],
    ['an unknown kind', { structured_outputs: { structural_tag: '{}' } }, 'structured_outputs'],
    ['one that is too long', { guided_regex: 'x'.repeat(65_537) }, 'guided_regex'],
    ['choices that are too many', { guided_choice: Array(1025).fill('x') }, 'guided_choice'],
  ])('refuses %s', (_, fields, param) => {
    expect(refusalOf({ ...hello, ...Object(fields) })).toMatchObject({ code: 'request.invalid', param })
  })
})

describe('how readChatRequest reads the ways to sample', () => {
  it('passes them on', () => {
    const sampling = { min_p: 0.1, presence_penalty: -2, frequency_penalty: 2, repetition_penalty: 1.1 }
    const { answer } = readChatRequest({ ...hello, ...sampling, logit_bias: { 5: -100 }, n: 3, logprobs: true })
    expect(answer).toMatchObject({
      minP: 0.1,
      presencePenalty: -2,
      frequencyPenalty: 2,
      repetitionPenalty: 1.1,
      logitBias: { 5: -100 },
      choices: 3,
      topLogprobs: 0,
    })
    expect(readChatRequest({ ...hello, logprobs: true, top_logprobs: 20 }).answer.topLogprobs).toBe(20)
  })

  it.each<[string, unknown]>([
    ['top_logprobs', 3],
    ['n', 129],
    ['presence_penalty', 2.1],
    ['frequency_penalty', -2.1],
    ['repetition_penalty', 0],
    ['min_p', 1.1],
    ['logit_bias', Object.fromEntries(Array.from({ length: 1025 }, (_, id) => [id, 0]))],
  ])('refuses %s: %j', (field, value) => {
    expect(refusalOf({ ...hello, [field]: value })).toMatchObject({ code: 'request.invalid', param: field })
  })

  it('refuses biases of what is no token', () => {
    expect(refusalOf({ ...hello, logit_bias: { hello: 1 } }).param).toMatch(/^logit_bias/)
  })
})

describe('what readChatRequest does not offer', () => {
  it.each<[string, unknown]>([
    ['functions', [{ name: 'f' }]],
    ['function_call', { name: 'f' }],
    ['skip_special_tokens', false],
    ['best_of', 2],
    ['bad_words', ['x']],
    ['modalities', ['text', 'audio']],
    ['audio', { voice: 'x' }],
    ['store', true],
  ])('%s: %j is refused by name', (field, value) => {
    expect(refusalOf({ ...hello, [field]: value })).toMatchObject({ code: 'request.unsupported', param: field })
  })

  it.each<[string, unknown, string]>([
    ['a message of a function', { role: 'function', content: 'x', name: 'f' }, 'messages[0].role'],
    [
      'a call of a custom tool',
      { role: 'assistant', content: null, tool_calls: [{ id: '1', type: 'custom', custom: {} }] },
      'messages[0].tool_calls[0].type',
    ],
    ['sound', { role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }, 'messages[0].content[0].type'],
    [
      'a picture by its uuid alone',
      { role: 'user', content: [{ type: 'image_url', image_url: null, uuid: 'x' }] },
      'messages[0].content[0].uuid',
    ],
    [
      'a file inside a message',
      { role: 'user', content: [{ type: 'file', file: { file_data: 'data:application/pdf;base64,', filename: 'f' } }] },
      'messages[0].content[0].file.file_data',
    ],
    [
      'a picture in a system message',
      { role: 'system', content: [{ type: 'image_url', image_url: 'data:a' }] },
      'messages[0].content[0]',
    ],
  ])('%s is refused by its path', (_, message, param) => {
    expect(refusalOf({ model: 'm', messages: [message] })).toMatchObject({ code: 'request.unsupported', param })
  })
})
