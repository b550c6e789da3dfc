import { expect, test } from 'vitest'
import { serves } from './scratch.ts'

test('memory that is too small does not serve, nor what a long text left behind', () => {
  expect(serves(9, 10)).toBe(false)
  expect(serves(1000, 10)).toBe(true)
  expect(serves(1_000_000, 10)).toBe(false)
  expect(serves(1_000_000, 900_000)).toBe(true)
})
