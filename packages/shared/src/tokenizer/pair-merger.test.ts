import { describe, expect, test } from 'vitest'
import type { MergeRules } from './merge-rules.ts'
import { PairMerger } from './pair-merger.ts'

/** Symbol ids are lengths: any two equal powers of two up to `longest` merge into their sum, short ones first. */
function doubling(longest: number): MergeRules & { readonly lookups: () => number } {
  let lookups = 0
  return {
    find(left, right) {
      lookups += 1
      return left === right && left + right <= longest ? left + right : -1
    },
    priority: (rule) => rule,
    result: (rule) => rule,
    lookups: () => lookups,
  }
}

function mergeRun(rules: MergeRules, length: number): number[] {
  const merger = new PairMerger(rules)
  merger.reserve(length)
  merger.symbols.fill(1, 0, length)
  const out: number[] = []
  merger.merge(length, out)
  return out
}

describe('PairMerger', () => {
  test('merges the leftmost of equal pairs first', () => {
    expect(mergeRun(doubling(2), 5)).toEqual([2, 2, 1])
    expect(mergeRun(doubling(8), 11)).toEqual([8, 2, 1])
  })

  test('appends nothing for an empty word', () => {
    expect(mergeRun(doubling(8), 0)).toEqual([])
  })

  test('looks up three pairs a symbol at most, however long the word', () => {
    for (const length of [1000, 100_000]) {
      const rules = doubling(32)
      const out = mergeRun(rules, length)
      expect(out.reduce((sum, part) => sum + part, 0)).toBe(length)
      expect(rules.lookups()).toBeLessThanOrEqual(3 * length)
    }
  })

  test('gives a long word the same result after a short one, and the other way round', () => {
    const rules = doubling(8)
    const merger = new PairMerger(rules)
    for (const length of [3, 70_000, 3]) {
      merger.reserve(length)
      merger.symbols.fill(1, 0, length)
      const out: number[] = []
      merger.merge(length, out)
      expect(out).toEqual(mergeRun(rules, length))
    }
  })
})
