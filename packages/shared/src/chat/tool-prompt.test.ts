import { describe, expect, it } from 'vitest'
import { conversationTurns } from './conversation-turns.ts'
import { toolGrammar } from './tool-grammar.ts'
import { toolCallText, toolInstruction, toolResultText } from './tool-prompt.ts'

const now = { name: 'now', strict: false, param: 'tools[0].function.parameters' }
const tools = { functions: [now], choice: 'auto', parallel: true } as const

describe('the words of functions', () => {
  it('are those that Google documents, with a line on several calls', () => {
    expect(toolInstruction({ functions: [now], parallel: false })).toBe(
      `You have access to functions. If you decide to invoke any of the function(s),
you MUST put it in the format of
{"name": function name, "parameters": dictionary of argument name and its value}

You SHOULD NOT include any other text in the response if you call a function
[
  {
    "name": "now",
    "parameters": {
      "type": "object",
      "properties": {}
    }
  }
]`,
    )
    expect(toolInstruction(tools)).toContain('its value}\nTo invoke several functions at once, put them in a list: [')
  })

  it('write a call as the model does, its arguments untouched', () => {
    const call = { id: 'x', name: 'f', arguments: '{ "a":1 }' }
    expect(toolCallText('', [call])).toBe('{"name": "f", "parameters": { "a":1 }}')
    expect(toolCallText('So:', [call, call])).toBe(`So:\n[${toolCallText('', [call])}, ${toolCallText('', [call])}]`)
  })

  it.each([
    ['{"a": 1}\n', '{"a": 1}'],
    ['sunny', '"sunny"'],
    ['`. Invoking tool `g` produced: `', '"`. Invoking tool `g` produced: `"'],
  ])('quote a result that is no JSON: %j', (result, written) => {
    expect(toolResultText('f', result)).toBe(`Invoking tool \`f\` produced: \`${written}\`.`)
  })
})

describe('conversationTurns', () => {
  const call = { role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'now', arguments: '{}' }] } as const
  const image = { type: 'image', address: 'data:a', param: 'messages[2].content[0].image_url' } as const

  it('makes one turn of the user of results and what follows them, pictures included', () => {
    const turns = conversationTurns(
      [
        { role: 'user', content: 'a' },
        call,
        { role: 'tool', toolCallId: '1', content: [image, { type: 'text', text: '7' }] },
        { role: 'user', content: [{ type: 'text', text: 'b' }, image] },
      ],
      { functions: [], choice: 'auto', parallel: true },
    )
    expect(turns).toEqual([
      { role: 'user', content: 'a' },
      { role: 'assistant', content: '{"name": "now", "parameters": {}}' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Invoking tool `now` produced: `7`.' },
          image,
          { type: 'text', text: 'b' },
          image,
        ],
      },
    ])
  })

  it('puts the functions behind the instructions', () => {
    const turns = conversationTurns(
      [
        { role: 'system', content: 'x' },
        { role: 'user', content: 'a' },
      ],
      tools,
    )
    expect(turns.map(({ role }) => role)).toEqual(['system', 'system', 'user'])
  })

  it('points at the message as the client has numbered it', () => {
    const messages = [{ role: 'user', content: 'a' }, call, { role: 'tool', toolCallId: '1', content: '' }] as const
    expect(() => conversationTurns([...messages, { role: 'system', content: '' }], tools)).toThrow(
      expect.objectContaining({ code: 'prompt.invalid', param: 'messages[3].role' }),
    )
  })
})

describe('toolGrammar', () => {
  it('leaves out what only the prompt needs', () => {
    const parameters = {
      type: 'object',
      description: 'long',
      properties: { description: { type: 'null', title: 'x' } },
    }
    const grammar = toolGrammar({ ...tools, functions: [{ ...now, parameters }] })
    expect(JSON.stringify(grammar)).not.toMatch(/long|title/)
    expect(JSON.stringify(grammar)).toContain('description')
  })

  it('refuses more than a worker takes', () => {
    const properties = Object.fromEntries(Array.from({ length: 1500 }, (_, at) => [`property${at}`, { type: 'null' }]))
    const functions = ['f', 'g'].map((name) => ({ ...now, name, parameters: { type: 'object', properties } }))
    expect(() => toolGrammar({ ...tools, functions })).toThrow(
      expect.objectContaining({ code: 'grammar.too_complex', param: 'tools' }),
    )
  })
})
