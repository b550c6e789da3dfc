import fc from 'fast-check'
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

  it('is taken from the longest match, as a search by hand finds it', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2), { maxLength: 60, size: 'max' }), (ids) => {
        const found = findRepetition(Int32Array.from(ids))
        const lengths = ids.slice(0, -1).map((_, at) => {
          let common = 0
          while (common <= at && common < 16 && ids[at - common] === ids[ids.length - 1 - common]) common++
          return common
        })
        const longest = Math.max(0, ...lengths)
        expect(found?.matched ?? 0).toBe(longest < 2 ? 0 : longest)
        if (found !== undefined) expect([...found.next]).toEqual(ids.slice(lengths.lastIndexOf(longest) + 1))
      }),
    )
  })
})
