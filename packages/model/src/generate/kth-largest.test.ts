import { describe, expect, it } from 'vitest'
import { kthLargest } from './kth-largest.ts'

describe('kthLargest', () => {
  it('agrees with a sort for every k', () => {
    const values = Float32Array.from({ length: 200 }, (_, n) => Math.round(Math.sin(n * 12.9898) * 50))
    const sorted = [...values].sort((a, b) => b - a)
    for (let k = 1; k <= values.length; k++) expect(kthLargest(values, k)).toBe(sorted[k - 1])
  })

  it('gives the smallest when k is larger than the list', () => {
    expect(kthLargest(Float32Array.of(3, 1, 2), 10)).toBe(1)
  })

  it('leaves the values in their order', () => {
    const values = Float32Array.of(1, 3, 2)
    kthLargest(values, 2)
    expect(values).toEqual(Float32Array.of(1, 3, 2))
  })
})
