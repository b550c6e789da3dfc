import { describe, expect, it } from 'vitest'
import { findRepetition, goOn } from './prompt-lookup.ts'

const idsOf = (text: string) => Int32Array.from(text, (letter) => letter.charCodeAt(0))
const textOf = (ids: Int32Array) => String.fromCharCode(...ids)

/** What a draft of a text is, and how many letters it is taken from. */
function draftOf(text: string, tokens = 4) {
  const found = findRepetition(idsOf(text))
  return found === undefined ? undefined : [found.matched, textOf(goOn(found, tokens))]
}

describe('a draft', () => {
  it.each([
    ['what followed the same letters before', 'one two three, one t', [5, 'wo t']],
    ['what followed the longest match', 'abce+xbcd-abc', [3, 'e+xb']],
    ['the latest of equally long matches', '1bcd..2bce..3bc', [2, 'e..3']],
    ['a repetition that goes on', 'abcabcab', [5, 'cabc']],
    ['a letter that goes on', '.aaaa', [3, 'aaaa']],
    ['what follows at the very beginning', 'ab......ab', [2, '....']],
  ])('is %s', (_, text, expected) => {
    expect(draftOf(text)).toEqual(expected)
  })

  it.each(['', 'a', 'aa', 'abcdefa', 'bab'])('is not made of less than two letters: "%s"', (text) => {
    expect(findRepetition(idsOf(text))).toBeUndefined()
  })
})
