import { expect, it } from 'vitest'
import { tokenLoss } from './token-loss.ts'

it('is the cross entropy of each token', () => {
  const logits = Float32Array.of(0, 0, Math.log(2), 1, 1, 1)
  const loss = tokenLoss(logits, { labels: [2, 0] })
  expect(loss[0]).toBeCloseTo(Math.log(2), 6) // 2 of 4 parts
  expect(loss[1]).toBeCloseTo(Math.log(3), 6)
})

it('is 0 where the label is -100, whatever the logits are', () => {
  expect([...tokenLoss(Float32Array.of(Number.NaN, 1, 0, 0), { labels: [-100, 1] })]).toEqual([
    0,
    Math.fround(Math.log(2)),
  ])
})

it('is multiplied by the loss mask', () => {
  const [half = 0, none] = tokenLoss(new Float32Array(8), { labels: [0, 0], lossMask: [0.5, 0] })
  expect(half).toBeCloseTo(Math.log(4) / 2, 6)
  expect(none).toBe(0)
})

it('does not overflow', () => {
  expect([...tokenLoss(Float32Array.of(1e4, 0, -1e4, 1e4), { labels: [0, 0] })]).toEqual([0, 20000])
})

it('is NaN for a label outside the vocabulary', () => {
  expect([...tokenLoss(Float32Array.of(0, 0), { labels: [7] })]).toEqual([Number.NaN])
})
