import { describe, expect, test } from 'vitest'
import { AppError } from '../errors/index.ts'
import { parseMessages } from './messages.ts'

describe('parseMessages', () => {
  test('reads texts, text parts and images', () => {
    const messages = [
      { role: 'system', content: 'a' },
      { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'b' }] },
    ]
    expect(parseMessages(messages)).toEqual(messages)
  })

  test('leaves out parts of another type', () => {
    const content = [{ type: 'audio' }, { type: 'text', text: 'b' }]
    expect(parseMessages([{ role: 'user', content }])).toEqual([{ role: 'user', content: content.slice(1) }])
  })

  test.each<[unknown, string]>([
    [{}, 'messages'],
    [null, 'messages'],
    [['x'], 'messages[0]'],
    [[{ content: 'x' }], 'messages[0].role'],
    [[{ role: 'user', content: null }], 'messages[0].content'],
    [[{ role: 'user', content: [7] }], 'messages[0].content[0]'],
    [[{ role: 'user', content: [{}] }], 'messages[0].content[0].type'],
    [[{ role: 'user', content: [{ type: 'text' }] }], 'messages[0].content[0].text'],
  ])('refuses %j and points at %s', (value, param) => {
    const fault = (() => {
      try {
        return parseMessages(value)
      } catch (error) {
        return AppError.from(error)
      }
    })()
    expect(fault).toMatchObject({ code: 'prompt.invalid', param })
    expect(fault).toHaveProperty('detail', expect.stringMatching(/^messages.*: expected .*, found .*\.$/))
  })
})
