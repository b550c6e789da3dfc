import { describe, expect, it } from 'vitest'
import { chunkEnd } from './chunk-end.ts'

/** `t` is a token of text, `i` one of a picture. */
const ends = (prompt: string, most: number): number[] => {
  const ids = Int32Array.from(prompt, (letter) => (letter === 'i' ? 9 : 1))
  const all: number[] = []
  for (let from = 0; from < ids.length; from = all.at(-1) ?? ids.length) {
    all.push(chunkEnd(ids, { from, most, imageTokenId: 9 }))
  }
  return all
}

describe('chunkEnd', () => {
  it.each([
    ['text', 'tttttttt', 3, [3, 6, 8]],
    ['a picture that fits as a whole', 'ttiiitt', 5, [5, 7]],
    ['a picture that would be cut', 'tttiiit', 4, [3, 7]],
    ['a picture at the very end of a chunk', 'tiiit', 4, [4, 5]],
    ['a picture that is longer than a chunk', 'tiiiiit', 3, [1, 6, 7]],
    ['a picture that begins and ends the prompt', 'iiiii', 2, [5]],
    ['two pictures with a token between them', 'iiitiii', 4, [4, 7]],
  ])('cuts %s', (_, prompt, most, expected) => {
    expect(ends(prompt, most)).toEqual(expected)
  })
})
