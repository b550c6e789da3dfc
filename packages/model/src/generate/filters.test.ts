import { describe, expect, it } from 'vitest'
import { filterTokens } from './filters.ts'
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
      const { ids } = filterTokens(logits, 2, { temperature: 1, topK: 0, topP })
      expect([...ids]).toEqual(keptByTopP(logits, topP))
    }
  })

  it('drops the lower ids of a tie', () => {
    const { ids, weights } = filterTokens(new Float32Array(10), 0, { temperature: 1, topK: 0, topP: 0.35 })
    expect([...ids]).toEqual([6, 7, 8, 9])
    expect([...weights]).toEqual([1, 1, 1, 1])
  })
})
