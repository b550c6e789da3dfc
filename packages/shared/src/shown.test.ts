import { expect, it } from 'vitest'
import { shown } from './shown.ts'

it.each([
  [undefined, 'nothing'],
  [null, 'null'],
  ['a "b"', '"a \\"b\\""'],
  [{ a: [1] }, '{"a":[1]}'],
  ['x'.repeat(100_000), `"${'x'.repeat(59)}...`],
  [JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)), 'something nested too deeply'],
])('shows what was found in one short line', (value, line) => {
  expect(shown(value)).toBe(line)
})
