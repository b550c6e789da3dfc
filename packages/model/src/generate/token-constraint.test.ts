import { expect, it } from 'vitest'
import { applyMask } from './token-constraint.ts'

it('applyMask leaves the tokens whose bits are set, in whole words, in parts of words and in the last', () => {
  const mask = Int32Array.of(-1, 0, 0b1010, 0x80000000)
  const logits = Float32Array.from({ length: 32 * 5 - 3 }, (_, id) => id)
  applyMask(logits, mask)
  const left = [...logits.keys()].filter((id) => logits[id] !== Number.NEGATIVE_INFINITY)
  expect(left).toEqual([...Array.from({ length: 32 }, (_, id) => id), 65, 67, 127])
  expect(left.map((id) => logits[id])).toEqual(left)
})
