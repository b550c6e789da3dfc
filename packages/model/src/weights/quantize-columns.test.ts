import { describe, expect, it } from 'vitest'
import { quantizeColumns } from './quantize-columns.ts'

const OUTER = 131 // two groups of rows and a rest
const INNER = 37

function randomWeights(): Float32Array {
  let state = 7
  return Float32Array.from({ length: OUTER * INNER }, (_, index) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    // Rows of very different sizes, and one that is mostly zeros.
    return (state / 2 ** 31) * 10 ** ((Math.floor(index / INNER) % 9) - 4)
  })
}

function quantized(weights: Float32Array, outer: number, inner: number) {
  return quantizeColumns(weights, outer, inner) ?? expect.fail('every weight is a number')
}

describe('quantizeColumns', () => {
  it('turns the matrix, moves few weights by more than half a scale, and keeps the sum of every row', () => {
    const weights = randomWeights()
    const { quants, scales } = quantized(weights, OUTER, INNER)
    for (let o = 0; o < OUTER; o++) {
      const row = weights.subarray(o * INNER, (o + 1) * INNER)
      const largest = Math.max(...row.map(Math.abs))
      expect(scales[o]).toBe(Math.fround(largest / 127))
      const moved = Array.from(row, (weight, i) => (quants[i * OUTER + o] ?? Number.NaN) - weight / (scales[o] ?? 0))
      expect(Math.max(...moved.map(Math.abs))).toBeLessThanOrEqual(1)
      expect(moved.filter((by) => Math.abs(by) > 0.50001).length).toBeLessThan(INNER / 6)
      expect(Math.abs(moved.reduce((sum, by) => sum + by, 0))).toBeLessThanOrEqual(0.501)
    }
  })

  it('makes 127 and -127 of the largest magnitude, and never -128', () => {
    const { quants } = quantized(Float32Array.of(3, -3, 0, -0.1, 0.1, -0.05), 2, 3)
    expect([...quants]).toEqual([127, -127, -127, 127, 0, -64])
  })

  it('makes zeros of a row without weights, and of one too small for a scale', () => {
    const { quants, scales } = quantized(Float32Array.of(0, -0, 1e-40, -1e-38, 1, -1), 3, 2)
    expect([...quants]).toEqual([0, 0, 127, 0, 0, -127])
    expect([...scales]).toEqual([0, 0, Math.fround(1 / 127)])
  })

  it('keeps every row of the largest finite numbers in range', () => {
    const huge = 3.4028234663852886e38
    const { quants, scales } = quantized(Float32Array.of(huge, -huge, huge / 2, 1), 2, 2)
    expect([...quants]).toEqual([127, 127, -127, 0])
    expect([...scales].every(Number.isFinite)).toBe(true)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('has none for %d', (wrong) => {
    const weights = randomWeights()
    weights[weights.length - 1] = wrong
    expect(quantizeColumns(weights, OUTER, INNER)).toBeUndefined()
  })
})
