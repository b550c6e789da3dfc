import { describe, expect, it } from 'vitest'
import { distanceNoise, leaders, logitNoise } from './compare-logits.ts'

const REFERENCE = [
  [1, 5, 4],
  [9, 2, 3],
]

describe('distanceNoise', () => {
  it('follows the two that lead in the reference, and nothing else', () => {
    const other = [
      [7, 5, 4.3],
      [9, -3, 3],
    ]
    const { typical, largest } = distanceNoise(REFERENCE, other)
    expect(largest).toBeCloseTo(0.3, 12)
    expect(typical).toBeCloseTo(0.3 / Math.SQRT2, 12)
  })

  it('leaves out the steps that do not count', () => {
    const other = [
      [1, 5, 4],
      [9, 2, 5],
    ]
    expect(distanceNoise(REFERENCE, other).largest).toBe(2)
    expect(distanceNoise(REFERENCE, other, (step) => step === 0).largest).toBe(0)
  })

  it('is not a number where a run is shorter', () => {
    expect(distanceNoise(REFERENCE, [[1, 5, 4]]).typical).toBeNaN()
  })
})

describe('logitNoise', () => {
  it('does not see a shift of all logits', () => {
    const shifted = REFERENCE.map((logits) => logits.map((logit) => logit + 2))
    expect(logitNoise(REFERENCE, shifted)).toEqual({ typical: 0, largest: 0 })
  })

  it('sees one that moved alone', () => {
    const { largest } = logitNoise(REFERENCE, [[1, 5, 7], REFERENCE[1] ?? []])
    expect(largest).toBe(2)
  })
})

describe('leaders', () => {
  it('gives the places of the two largest, the largest first', () => {
    expect(leaders([1, 5, 4])).toEqual([1, 2])
  })
})
