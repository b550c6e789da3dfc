import { expect, it } from 'vitest'
import { expOfNegative } from './exp.ts'
import { uniformAt } from './random.ts'

it('expOfNegative is within 1e-13 of the exponential, exact at 0, and 0 where a float32 is', () => {
  for (let round = 0; round < 5000; round++) {
    const x = -104 * uniformAt(3, round) ** 2
    expect(Math.abs(expOfNegative(x) / Math.exp(x) - 1)).toBeLessThan(1e-13)
  }
  expect([0, -0].map(expOfNegative)).toEqual([1, 1])
  expect(Math.fround(Math.exp(-104))).toBe(0)
  expect([-104.001, -1e30, Number.NEGATIVE_INFINITY].map(expOfNegative)).toEqual([0, 0, 0])
})
