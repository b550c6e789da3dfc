import { expect, it } from 'vitest'
import { bilinearWeights, WEIGHT_BITS } from './bilinear.ts'

const rows = (from: number, to: number, mirrored: boolean) => {
  const { data, stride, count } = bilinearWeights(from, to, mirrored)
  return Array.from({ length: count }, (_, i) => {
    const [first = 0, taps = 0, ...weights] = data.subarray(i * stride, (i + 1) * stride)
    return { first, weights: weights.slice(0, taps) }
  })
}

it('leaves a side alone that has the right length', () => {
  for (const [i, { first, weights }] of rows(896, 896, false).entries()) {
    const [lead] = weights.flatMap((weight, t) => (weight === 0 ? [] : [{ pixel: first + t, weight }]))
    expect(lead).toEqual({ pixel: i, weight: 1 << WEIGHT_BITS })
  }
})

it.each([1, 2, 37, 301, 895, 897, 1999, 16_384])(
  'stays inside %i source pixels, with weights that sum to one',
  (from) => {
    for (const { first, weights } of rows(from, 896, false)) {
      expect(first).toBeGreaterThanOrEqual(0)
      expect(first + weights.length).toBeLessThanOrEqual(from)
      const sum = weights.reduce((total, weight) => total + weight, 0)
      expect(Math.abs(sum - (1 << WEIGHT_BITS))).toBeLessThanOrEqual(weights.length)
    }
  },
)

it.each([3, 451, 1334, 5001])('mirrors %i pixels without changing a weight', (from) => {
  const plain = rows(from, 896, false)
  for (const [i, { first, weights }] of rows(from, 896, true).entries()) {
    const twin = plain[895 - i]
    expect(weights).toEqual(twin?.weights.toReversed())
    expect(first).toBe(from - (twin?.first ?? 0) - weights.length)
  }
})

it('moves the windows only forward, which streaming rows rely on', () => {
  for (const mirrored of [false, true]) {
    let last = 0
    for (const { first } of rows(1777, 896, mirrored)) {
      expect(first).toBeGreaterThanOrEqual(last)
      last = first
    }
  }
})
