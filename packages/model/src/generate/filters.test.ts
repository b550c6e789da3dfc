import { describe, expect, it } from 'vitest'
import { type FilterSettings, filterTokens } from './filters.ts'
import { readLogitRow } from './logit-row.ts'
import { uniformAt } from './random.ts'

/** Top-p as its rule is written: sort by score, then by id, and drop from the low end. */
function keptByTopP(logits: Float32Array, topP: number): number[] {
  const largest = Math.max(...logits)
  const weights = logits.map((logit) => Math.exp(Math.fround(logit - largest)))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const rising = [...logits.keys()].sort((a, b) => (logits[a] ?? 0) - (logits[b] ?? 0) || a - b)
  let mass = 0
  const end = rising.slice(0, -1).findIndex((id) => {
    mass += weights[id] ?? 0
    return Math.fround(mass / total) > Math.fround(1 - topP)
  })
  return rising.slice(end < 0 ? rising.length - 1 : end).sort((a, b) => a - b)
}

describe('filterTokens', () => {
  it('drops from the low end, of equal scores the lower ids, and keeps one at least', () => {
    const levels = [-3, -1, -0, 0, 1, Number.NEGATIVE_INFINITY]
    for (let round = 0; round < 300; round++) {
      const length = Math.floor(300 * uniformAt(round, 0))
      const low = Array.from({ length }, (_, at) => levels[Math.floor(levels.length * uniformAt(round, at + 2))] ?? 0)
      const logits = Float32Array.from([...low, 2])
      const topP = 0.999 * uniformAt(round, 1)
      const { ids } = filterTokens(readLogitRow(logits), { temperature: 1, topK: 0, topP })
      expect([...ids]).toEqual(keptByTopP(logits, topP))
    }
  })

  it('drops the lower ids of a tie', () => {
    const { ids, weights } = filterTokens(readLogitRow(new Float32Array(10)), { temperature: 1, topK: 0, topP: 0.35 })
    expect([...ids]).toEqual([6, 7, 8, 9])
    expect([...weights]).toEqual([1, 1, 1, 1])
  })
  it('keeps with min-p what is likely beside the likeliest, after top-k and top-p', () => {
    const logits = Float32Array.from([0.5, 0.25, 0.2, 0.05], Math.log)
    const ids = (settings: Partial<FilterSettings>) => {
      const all = { temperature: 1, topK: 0, topP: 1, ...settings }
      return [...filterTokens(readLogitRow(logits), all).ids]
    }
    expect(ids({ minP: 0.11 })).toEqual([0, 1, 2])
    expect(ids({ minP: 0.45 })).toEqual([0, 1])
    expect(ids({ minP: 1 })).toEqual([0])
    expect(ids({ minP: 0.05, topK: 3 })).toEqual([0, 1, 2])
    expect(ids({ minP: 0.05, topP: 0.7 })).toEqual([0, 1])
    expect(ids({ minP: 0.3, temperature: 2 })).toEqual([0, 1, 2, 3]) // sqrt(0.1) = 0.316
    expect(ids({ minP: 0.32, temperature: 2 })).toEqual([0, 1, 2])
  })

  it('keeps all that tie with the k-th after the division rounds them to one number', () => {
    const logits = Float32Array.of(1, 1 + 2 ** -23, 1 + 2 ** -22, 0.5)
    const { ids } = filterTokens(readLogitRow(logits), { temperature: 3, topK: 1, topP: 1 })
    const scores = logits.map((logit) => logit / 3)
    expect([...ids]).toEqual([0, 1, 2, 3].filter((id) => scores[id] === scores[2]))
  })
})
