import { describe, expect, test } from 'vitest'
import { bridgesOf, isBridge, wordEnd } from './words.ts'

function split(text: string, bridges: readonly string[] = []): string[] {
  const words: string[] = []
  for (let start = 0; start < text.length; ) {
    const end = wordEnd(text, start, bridgesOf(bridges))
    words.push(text.slice(start, end))
    start = end
  }
  return words
}

describe('words', () => {
  test('start at each run of spaces', () => {
    expect(split('ab▁cd▁▁▁e▁')).toEqual(['ab', '▁cd', '▁▁▁e', '▁'])
    expect(split('▁▁ab')).toEqual(['▁▁ab'])
  })

  test('go on where a bridge could span the gap, and only there', () => {
    expect(split('a>▁</b▁c>▁d', ['>▁</'])).toEqual(['a>▁</b', '▁c>', '▁d'])
    expect(split('x▁y▁z', ['x▁y▁z'])).toEqual(['x▁y▁z'])
  })

  test('make a bridge of a piece with a space after something else', () => {
    expect(['a▁b', 'a▁', '▁a▁'].map(isBridge)).toEqual([true, true, true])
    expect(['▁a', '▁▁', 'ab', '▁'].map(isBridge)).toEqual([false, false, false, false])
  })
})
