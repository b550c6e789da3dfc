import { describe, expect, it } from 'vitest'
import { roundKeepingSum } from './round-keeping-sum.ts'

const LIMIT = 127

function rounded(numbers: readonly number[], factor = 1): number[] {
  const out = new Int8Array(numbers.length)
  roundKeepingSum(Float32Array.from(numbers), factor, LIMIT, out)
  return [...out]
}

describe('roundKeepingSum', () => {
  it.each([
    ['to the nearest where that keeps the sum', [1.25, -1.25, 3, 0.125], [1, -1, 3, 0]],
    ['those that are nearest to the next one the other way, up', [1.375, 1.25, 1.4375, 1.125], [1, 1, 2, 1]],
    ['the same, down', [-1.375, -1.25, -1.4375, -1.125], [-1, -1, -2, -1]],
    ['of equals the first ones', [0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25], [1, 1, 0, 0, 0, 0, 0, 0]],
    ['nothing beyond the limit', [127, 127, -127], [127, 127, -127]],
    ['no numbers at all', [], []],
  ])('rounds %s', (_, numbers, expected) => {
    expect(rounded(numbers)).toEqual(expected)
  })

  it('multiplies first', () => {
    expect(rounded([0.5, 0.25, -1], 100)).toEqual([50, 25, -100])
    expect(rounded([0.5, 0.25, -1], 0)).toEqual([0, 0, 0])
  })

  it('keeps the sum of any row, moves none by more than 1 and few by more than 1/2', () => {
    let state = 11
    for (let row = 0; row < 200; row++) {
      const offset = (row % 11) / 11
      const numbers = Array.from({ length: 1 + ((row * 37) % 500) }, () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
        return Math.fround(Math.trunc((100 * state) / 2 ** 31) + (row % 3 === 0 ? offset : (7 * state) / 2 ** 31))
      })
      const moved = rounded(numbers).map((whole, i) => whole - (numbers[i] ?? 0))
      expect(Math.abs(moved.reduce((sum, by) => sum + by, 0))).toBeLessThanOrEqual(0.5001)
      expect(Math.max(...moved.map(Math.abs))).toBeLessThanOrEqual(1)
    }
  })
})
