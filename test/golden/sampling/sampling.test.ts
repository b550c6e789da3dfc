import { readFileSync } from 'node:fs'
import { filterTokens, readLogitRow } from '@loupe/model'
import { describe, expect, it } from 'vitest'

interface Case {
  name: string
  /** `null` is minus infinity. */
  logits: (number | null)[]
  results: { temperature: number; topK: number; topP: number; ids: number[]; shares: number[] }[]
}

const { cases } = JSON.parse(readFileSync(new URL('cases.json', import.meta.url), 'utf8')) as { cases: Case[] }

describe('filterTokens agrees with Transformers', () => {
  const flat = cases.flatMap(({ name, logits, results }) =>
    results.map((result) => {
      const { temperature, topK, topP } = result
      return { title: `${name}: temperature ${temperature}, top-k ${topK}, top-p ${topP}`, logits, result }
    }),
  )

  it.each(flat)('$title', ({ logits, result }) => {
    const row = Float32Array.from(logits, (logit) => logit ?? Number.NEGATIVE_INFINITY)
    const { ids, weights } = filterTokens(readLogitRow(row), result)
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const drawable = [...ids.keys()].filter((at) => (weights[at] ?? 0) > 0)
    expect(drawable.map((at) => ids[at])).toEqual(result.ids)
    for (const [at, share] of result.shares.entries()) {
      expect((weights[drawable[at] ?? -1] ?? 0) / total).toBeCloseTo(share, 6)
    }
  })
})
