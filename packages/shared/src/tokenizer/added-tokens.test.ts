import { describe, expect, test } from 'vitest'
import { addedTokenFinder, isControlToken } from './added-tokens.ts'

describe('isControlToken', () => {
  const contents = new Set(['<b>', '</b>', '<mask>', '[multimodal]', '\n', '\n\n', '<eos>'])

  test.each(['<mask>', '[multimodal]', '<unused7>'])('takes %s for control, flagged or not', (content) => {
    expect(isControlToken(content, false, contents)).toBe(true)
    expect(isControlToken(content, true, contents)).toBe(true)
  })

  test.each(['<b>', '</b>', '\n', '\n\n', '<b', 'b>'])('takes %j for text unless the file flags it', (content) => {
    expect(isControlToken(content, false, contents)).toBe(false)
    expect(isControlToken(content, true, contents)).toBe(true)
  })
})

describe('addedTokenFinder', () => {
  const tokens = ['\n', '\n\n', '\n\n\n', '<end>', '<en', 'd>x', '🙂🙂']
  const find = addedTokenFinder(
    tokens.map((content, id) => ({ id, content, isSpecial: false, isControl: content === '<end>', isPiece: true })),
  )

  test('finds the leftmost token, and of those the longest', () => {
    expect(find('ab\n\n\n\nc', 0, false)).toEqual({ id: 2, start: 2, end: 5 })
    expect(find('ab\n\n\n\nc', 5, false)).toEqual({ id: 0, start: 5, end: 6 })
    expect(find('a<end>x', 0, true)).toEqual({ id: 3, start: 1, end: 6 })
  })

  test('passes over control tokens on request, down to shorter ones that are not', () => {
    expect(find('a<end>x', 0, false)).toEqual({ id: 4, start: 1, end: 4 })
    expect(find('a<end>x', 4, false)).toEqual({ id: 5, start: 4, end: 7 })
  })

  test('matches whole characters beyond the basic plane', () => {
    expect(find('🙂🙃🙂🙂', 0, false)).toEqual({ id: 6, start: 4, end: 8 })
  })

  test('finds nothing where there is nothing', () => {
    expect(find('<e<<<\ud83d', 0, true)).toBeUndefined()
    expect(find('', 0, true)).toBeUndefined()
  })
})
