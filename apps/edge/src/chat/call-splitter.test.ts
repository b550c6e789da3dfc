import { describe, expect, it } from 'vitest'
import { CallSplitter } from './call-splitter.ts'

interface Told {
  text: string
  readonly calls: { readonly name: string; text: string }[]
  isWhole: boolean
}

/** What is told of an answer that comes in these pieces. */
function told(pieces: readonly string[]): Told {
  const splitter = new CallSplitter(['f', 'g.h-i'])
  const seen: Told = { text: '', calls: [], isWhole: false }
  for (const piece of pieces) {
    const split = splitter.push(piece)
    seen.text += split.text
    for (const each of split.pieces) {
      const call = seen.calls[each.index]
      if (each.type === 'call') {
        expect(each.index).toBe(seen.calls.length)
        seen.calls.push({ name: each.name, text: '' })
      } else if (call !== undefined) call.text += each.text
    }
  }
  seen.text += splitter.flush()
  seen.isWhole = splitter.isWhole
  return seen
}

const answers: [string, Told][] = [
  ['', { text: '', calls: [], isWhole: false }],
  ['Just a text { "name": "f" }', { text: 'Just a text { "name": "f" }', calls: [], isWhole: false }],
  ['{"name":"f","parameters":{}}', { text: '', calls: [{ name: 'f', text: '{}' }], isWhole: true }],
  [
    ' {\n "name" : "g.h-i" ,\t"parameters" : {"a": "}\\"{", "b": {"c": []}} }\n',
    { text: '', calls: [{ name: 'g.h-i', text: '{"a": "}\\"{", "b": {"c": []}}' }], isWhole: true },
  ],
  [
    '[{"name":"f","parameters":{"x":1}}, {"name":"f","parameters":{}}]',
    {
      text: '',
      calls: [
        { name: 'f', text: '{"x":1}' },
        { name: 'f', text: '{}' },
      ],
      isWhole: true,
    },
  ],
  ['[{"name":"f","parameters":{}}', { text: '', calls: [{ name: 'f', text: '{}' }], isWhole: false }],
  ['{"name":"f","parameters":{"x', { text: '', calls: [{ name: 'f', text: '{"x' }], isWhole: false }],
  ['{"name":"f","parameters":{}', { text: '', calls: [{ name: 'f', text: '{}' }], isWhole: false }],
  ['{"name":"other","parameters":{}}', { text: '{"name":"other","parameters":{}}', calls: [], isWhole: false }],
  ['{"name":"f","parameters":[]}', { text: '{"name":"f","parameters":[]}', calls: [], isWhole: false }],
  ['{"name":"f","x":{}}', { text: '{"name":"f","x":{}}', calls: [], isWhole: false }],
  ['[1, 2]', { text: '[1, 2]', calls: [], isWhole: false }],
  ['\u00a0{"name":"f","parameters":{}}', { text: '\u00a0{"name":"f","parameters":{}}', calls: [], isWhole: false }],
]

describe('CallSplitter', () => {
  it.each(answers)('reads %j', (answer, expected) => {
    expect(told([answer])).toEqual(expected)
  })

  it.each(answers)('reads the same however it is cut: %j', (answer, expected) => {
    expect(told([...answer])).toEqual(expected)
    for (let cut = 0; cut < answer.length; cut++) {
      expect(told([answer.slice(0, cut), answer.slice(cut)])).toEqual(expected)
      expect(told([answer.slice(0, cut), '', answer.slice(cut, cut + 3), answer.slice(cut + 3)])).toEqual(expected)
    }
  })

  it('shows text as soon as it cannot be a call', () => {
    const splitter = new CallSplitter(['f'])
    expect(splitter.push(' ').text).toBe('')
    expect(splitter.push('S').text).toBe(' S')
    expect(splitter.push('o').text).toBe('o')
  })

  it('holds back no more than a call could begin with', () => {
    expect(new CallSplitter(['f']).push(`{${' '.repeat(2000)}`).text).toHaveLength(2001)
  })
})
