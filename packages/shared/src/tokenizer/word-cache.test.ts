import { describe, expect, test } from 'vitest'
import { WordCache } from './word-cache.ts'

/** Encodes a word as its units, and counts how often it had to. */
function encoding(text: string) {
  const ids: number[] = []
  let calls = 0
  const encode = (start: number, end: number) => {
    calls += 1
    for (let at = start; at < end; at += 1) ids.push(text.charCodeAt(at), start === 0 ? 1 : 0)
  }
  return { ids, encode, calls: () => calls }
}

/** Pushes words of four letters and tells how many were encoded. */
function pushWords(cache: WordCache, text: string): { ids: number[]; calls: number } {
  const out = encoding(text)
  for (let start = 0; start < text.length; start += 4) cache.push(text, start, start + 4, out)
  return { ids: out.ids, calls: out.calls() }
}

describe('WordCache', () => {
  test('gives the ids of a word again, wherever it stands', () => {
    const cache = new WordCache()
    const { ids, calls } = pushWords(cache, 'abcdwxyzabcd')
    expect(calls).toBe(2)
    expect(ids.slice(0, 8)).toEqual(ids.slice(16))
    expect(pushWords(cache, 'wxyz').calls).toBe(0)
  })

  test('tells words of one hash apart, and a word from its beginning', () => {
    const cache = new WordCache()
    const out = encoding('ababab')
    cache.push('ababab', 0, 2, out)
    cache.push('ababab', 0, 4, out)
    cache.push('ababab', 2, 6, out)
    expect(out.calls()).toBe(2)
    expect(out.ids).toHaveLength(2 * (2 + 4 + 4))
  })

  test('begins anew when it is full, and gives right ids before and after', () => {
    const cache = new WordCache()
    const words = Array.from({ length: 40_000 }, (_, at) => String.fromCharCode(at, at >> 8, 7, 7)).join('')
    const { ids, calls } = pushWords(cache, words)
    expect(calls).toBe(40_000)
    expect(ids.filter((_, at) => at % 2 === 0)).toEqual(Array.from(words, (_, at) => words.charCodeAt(at)))
    expect(pushWords(cache, words.slice(-4)).calls).toBe(0)
    expect(pushWords(cache, words.slice(0, 4)).calls).toBe(1)
  })

  test('keeps no word of more than 64 units', () => {
    const cache = new WordCache()
    const text = 'x'.repeat(65)
    const out = encoding(text)
    for (const end of [64, 64, 65, 65]) cache.push(text, 0, end, out)
    expect(out.calls()).toBe(3)
  })
})
