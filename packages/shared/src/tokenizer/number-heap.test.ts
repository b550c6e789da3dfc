import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NumberHeap } from './number-heap.ts'

test('gives back what was pushed, least first', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 400, size: 'max' }), (numbers) => {
      const heap = new NumberHeap()
      heap.reset(numbers.length >> 1) // expected too few: it grows
      for (const number of numbers) heap.push(number)
      const popped = numbers.map(() => heap.pop())
      expect(popped).toEqual([...numbers].sort((one, two) => one - two))
      expect(heap.size).toBe(0)
    }),
    { numRuns: 50 },
  )
})
