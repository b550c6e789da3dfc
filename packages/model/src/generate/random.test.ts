import { describe, expect, it } from 'vitest'
import { uniformAt } from './random.ts'

describe('uniformAt', () => {
  it('keeps its values: an answer drawn today is drawn again by the next release', () => {
    expect([uniformAt(0, 0), uniformAt(1, 0), uniformAt(1, 1), uniformAt(-1, 5)]).toEqual([
      0.8833108082136426, // 0xe220a8397b1dcdaf, the first output of SplitMix64 from state 0
      0.7497482413580301,
      0.37239342287916577,
      0.05588332997080059,
    ])
  })

  it('gives each stream of a seed draws of its own, the first being those of the seed', () => {
    expect(uniformAt(1, 1, 0)).toBe(uniformAt(1, 1))
    const draws = Array.from({ length: 64 }, (_, stream) => uniformAt(1, 0, stream))
    expect(new Set(draws).size).toBe(64)
    expect(uniformAt(1, 0, 1)).toBe(0.0754213234549389)
  })

  it('spreads evenly over positions, seeds and streams', () => {
    const buckets = (draw: (n: number) => number) => {
      const counts = new Array<number>(16).fill(0)
      for (let n = 0; n < 16_000; n++) counts[Math.floor(draw(n) * 16)] = (counts[Math.floor(draw(n) * 16)] ?? 0) + 1
      // Chi-square with 15 degrees of freedom; 37.7 is passed once in a thousand.
      return counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)
    }
    expect(buckets((n) => uniformAt(7, n))).toBeLessThan(37.7)
    expect(buckets((n) => uniformAt(n, 0))).toBeLessThan(37.7)
    expect(buckets((n) => uniformAt(7, 0, n))).toBeLessThan(37.7)
  })

  it('does not tie a position to the next one', () => {
    const pairs = Array.from({ length: 4000 }, (_, n) => [uniformAt(3, n) - 0.5, uniformAt(3, n + 1) - 0.5] as const)
    const covariance = pairs.reduce((sum, [a, b]) => sum + a * b, 0) / pairs.length
    // Four standard errors: (1/12) / sqrt(4000) each.
    expect(Math.abs(covariance * 12)).toBeLessThan(4 / Math.sqrt(4000))
  })
})
