import { expect, it } from 'vitest'
import { logProbability } from './log-probability.ts'

const ROW = Float32Array.of(1, 3, 2, 3, 9, 0)
const logShare = (id: number) => {
  const total = ROW.reduce((sum, logit) => sum + Math.exp(logit), 0)
  return Math.log(Math.exp(ROW[id] ?? 0) / total)
}

it('logProbability lists the likeliest, of equal ones the lower id first, without what no answer may hold', () => {
  const { logprob, top } = logProbability(ROW, 2, { count: 3, vocabLimit: 5, bannedIds: [4] })
  expect(logprob).toBeCloseTo(logShare(2), 6)
  expect(top.map(({ id }) => id)).toEqual([1, 3, 2])
  for (const { id, logprob: own } of top) expect(own).toBeCloseTo(logShare(id), 6)
})

it('logProbability gives no more than there are', () => {
  const { top } = logProbability(ROW, 0, { count: 20, vocabLimit: 3, bannedIds: [] })
  expect(top.map(({ id }) => id)).toEqual([1, 2, 0])
  expect(logProbability(ROW, 0, { count: 0, vocabLimit: 3, bannedIds: [] }).top).toEqual([])
})
