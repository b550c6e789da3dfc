import { describe, expect, it } from 'vitest'
import { SequenceBlocks } from './sequence-blocks.ts'

const IMAGE = 9
const CAT = 'c0'.repeat(32)
const DOG = 'd0'.repeat(32)

/** Each `i` is a token of a picture. */
const idsOf = (text: string) => Int32Array.from(text, (letter) => (letter === 'i' ? IMAGE : letter.charCodeAt(0)))

const blocksOf = (digests: readonly string[] = [], salt = '00') =>
  new SequenceBlocks({ salt, digests, blockTokens: 4, imageTokenId: IMAGE })

function keysOf(text: string, digests?: readonly string[], salt?: string) {
  return [...blocksOf(digests, salt).complete(idsOf(text))].map(({ key }) => key)
}

/** Which blocks of two sequences have the same key. */
function same(a: readonly string[], b: readonly string[]): boolean[] {
  return a.map((key, block) => key === b[block])
}

describe('a sequence', () => {
  it.each([
    ['abcdefghijk', [4, 8]],
    ['abcdefgh', [4, 8]],
    ['abc', []],
    ['abciiiiiabcdef', [8, 12]],
    ['abciabcd', [4, 8]],
    ['iiiiabcd', [4, 8]],
    ['iiiiiabcdaiiiiiii', [5, 9, 17]],
    ['abiabiiiab', [4, 8]],
  ])('is cut where no picture is: %s', (text, ends) => {
    expect(
      blocksOf([CAT, DOG])
        .complete(idsOf(text))
        .map(({ end }) => end),
    ).toEqual(ends)
  })

  it('has the same blocks whether they come one by one or together', () => {
    const ids = idsOf('abciiiiiabcdeiiifgiiihklm')
    const growing = blocksOf([CAT, DOG, CAT])
    for (const end of [3, 8, 10, 17, 21]) growing.complete(ids.subarray(0, end))
    expect(growing.complete(ids)).toEqual(blocksOf([CAT, DOG, CAT]).complete(ids))
  })
})

describe('the key of a block', () => {
  it('depends on its tokens and on all before them', () => {
    expect(same(keysOf('abcdefghabcd'), keysOf('abcdefghabcd'))).toEqual([true, true, true])
    expect(same(keysOf('abcdefghabcd'), keysOf('abcdeXghabcd'))).toEqual([true, false, false])
    expect(new Set(keysOf('abcdabcdabcd')).size).toBe(3)
  })

  it('is another one for every salt', () => {
    expect(same(keysOf('abcdefgh', [], '01'), keysOf('abcdefgh', [], '02'))).toEqual([false, false])
  })

  it('depends on the pictures of its block and of all before it', () => {
    const text = 'abcdefiiiiiijklmn'
    expect(same(keysOf(text, [CAT]), keysOf(text, [CAT]))).toEqual([true, true, true])
    expect(same(keysOf(text, [CAT]), keysOf(text, [DOG]))).toEqual([true, false, false])
  })

  it('tells pictures apart by their places', () => {
    const text = 'iiabcdiieeeeii'
    expect(same(keysOf(text, [CAT, CAT, DOG]), keysOf(text, [CAT, DOG, DOG]))).toEqual([true, false, false])
    expect(same(keysOf(text, [CAT, DOG, CAT]), keysOf(text, [CAT, DOG, DOG]))).toEqual([true, true, true])
    expect(same(keysOf('iiabiicd', [CAT, DOG]), keysOf('iiabiicd', [DOG, CAT]))).toEqual([false, false])
  })
})
