import { expect, it } from 'vitest'
import { lossTerms, type Targets, tokenLoss } from './token-loss.ts'

const lossOf = (logits: Float32Array, targets: Targets) => tokenLoss([lossTerms(logits, targets.labels)], targets)

it('is the cross entropy of each token', () => {
  const logits = Float32Array.of(0, 0, Math.log(2), 1, 1, 1)
  const loss = lossOf(logits, { labels: [2, 0] })
  expect(loss[0]).toBeCloseTo(Math.log(2), 6) // 2 of 4 parts
  expect(loss[1]).toBeCloseTo(Math.log(3), 6)
})

it('is 0 where the label is -100, whatever the logits are', () => {
  expect([...lossOf(Float32Array.of(Number.NaN, 1, 0, 0), { labels: [-100, 1] })]).toEqual([
    0,
    Math.fround(Math.log(2)),
  ])
})

it('is multiplied by the loss mask', () => {
  const [half = 0, none] = lossOf(new Float32Array(8), { labels: [0, 0], lossMask: [0.5, 0] })
  expect(half).toBeCloseTo(Math.log(4) / 2, 6)
  expect(none).toBe(0)
})

it('does not overflow', () => {
  expect([...lossOf(Float32Array.of(1e4, 0, -1e4, 1e4), { labels: [0, 0] })]).toEqual([0, 20000])
})

it('is NaN for a label outside the vocabulary', () => {
  expect([...lossOf(Float32Array.of(0, 0), { labels: [7] })]).toEqual([Number.NaN])
})

it('is the same over shards of the vocabulary, whichever of them has the label', () => {
  const logits = Float32Array.of(0.5, -2, 90, 1, 3, 88)
  const targets = { labels: [1, 2], lossMask: [1, 0.5] }
  const columns = (from: number, end: number) =>
    Float32Array.from([0, 1].flatMap((row) => [...logits.subarray(row * 3 + from, row * 3 + end)]))
  const shards = [lossTerms(columns(2, 3), targets.labels, 2), lossTerms(columns(0, 2), targets.labels, 0)]
  const whole = lossOf(logits, targets)
  for (const [row, loss] of tokenLoss(shards, targets).entries()) expect(loss).toBeCloseTo(whole[row] ?? Number.NaN, 6)
})
