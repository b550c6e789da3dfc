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
  it('turns the matrix and moves no weight by more than half a scale', () => {
    const weights = randomWeights()
    const { quants, scales } = quantized(weights, OUTER, INNER)
    for (let o = 0; o < OUTER; o++) {
      const row = weights.subarray(o * INNER, (o + 1) * INNER)
      const largest = Math.max(...row.map(Math.abs))
      expect(scales[o]).toBe(Math.fround(largest / 127))
      for (const [i, weight] of row.entries()) {
        const found = ((quants[i * OUTER + o] ?? Number.NaN) - 128) * (scales[o] ?? Number.NaN)
        expect(Math.abs(found - weight)).toBeLessThanOrEqual((scales[o] ?? 0) * 0.500001)
      }
    }
  })

  it('makes 1 and 255 of the largest magnitude, and never 0', () => {
    const { quants } = quantized(Float32Array.of(3, -3, 0, -0.1, 0.1, -0.05), 2, 3)
    expect([...quants]).toEqual([255, 1, 1, 255, 128, 64])
  })

  it('makes zeros of a row without weights, and of one too small for a scale', () => {
    const { quants, scales } = quantized(Float32Array.of(0, -0, 1e-40, -1e-38, 1, -1), 3, 2)
    expect([...quants]).toEqual([128, 128, 255, 128, 128, 1])
    expect([...scales]).toEqual([0, 0, Math.fround(1 / 127)])
  })

  it('keeps every row of the largest finite numbers in range', () => {
    const huge = 3.4028234663852886e38
    const { quants, scales } = quantized(Float32Array.of(huge, -huge, huge / 2, 1), 2, 2)
    expect([...quants]).toEqual([255, 255, 1, 128])
    expect([...scales].every(Number.isFinite)).toBe(true)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('has none for %d', (wrong) => {
    const weights = randomWeights()
    weights[weights.length - 1] = wrong
    expect(quantizeColumns(weights, OUTER, INNER)).toBeUndefined()
  })
})
