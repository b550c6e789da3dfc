import { describe, expect, it } from 'vitest'
import { createPenalties } from './penalties.ts'
import { uniformAt } from './random.ts'
import type { SamplingParams } from './sampling-params.ts'

const PLAIN: SamplingParams = { temperature: 1, topK: 0, topP: 1, seed: 0 }

function applied(changes: Partial<SamplingParams>, logits: number[], prompt: number[] = [], answer: number[] = []) {
  const penalties = createPenalties({ ...PLAIN, ...changes }, new Set(prompt))
  for (const id of answer) penalties?.accept(id)
  const row = Float32Array.from(logits)
  penalties?.apply(row)
  return Array.from(row, (logit) => Number(logit.toFixed(5)))
}

/** The rules as their papers have them, token by token in float64. */
function reference(params: SamplingParams, logits: Float32Array, prompt: number[], answer: number[]): number[] {
  const { repetitionPenalty = 1, presencePenalty = 0, frequencyPenalty = 0, logitBias } = params
  return Array.from(logits, (logit, id) => {
    const count = answer.filter((other) => other === id).length
    let score = logit + (logitBias?.get(id) ?? 0)
    if (count > 0 || prompt.includes(id)) score = score > 0 ? score / repetitionPenalty : score * repetitionPenalty
    return score - frequencyPenalty * count - (count > 0 ? presencePenalty : 0)
  })
}

describe('createPenalties', () => {
  it('makes none where nothing would change', () => {
    const harmless = { repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0, logitBias: new Map() }
    expect(createPenalties({ ...PLAIN, ...harmless }, new Set([1]))).toBeUndefined()
  })

  it('divides what is above 0 and multiplies what is below, once, in prompt and answer', () => {
    expect(applied({ repetitionPenalty: 2 }, [4, -4, 4, -4, 4, 4], [0, 1, 0], [2, 3, 3, 0])).toEqual([
      2, -8, 2, -8, 4, 4,
    ])
  })

  it('takes off presence once and frequency each time, for the answer alone', () => {
    expect(applied({ presencePenalty: 1 }, [4, 4, 4], [0], [1, 1, 1])).toEqual([4, 3, 4])
    expect(applied({ frequencyPenalty: 0.5 }, [4, 4, 4], [0], [1, 1, 1])).toEqual([4, 2.5, 4])
    expect(applied({ frequencyPenalty: -0.5, presencePenalty: -1 }, [4, 4], [], [1, 1])).toEqual([4, 6])
  })

  it('adds the bias before it repels, and passes over ids without a row', () => {
    const logitBias = new Map([
      [0, -6],
      [1, 6],
      [99, 5],
    ])
    expect(applied({ logitBias, repetitionPenalty: 2 }, [4, -4, 1], [0, 1, 77])).toEqual([-4, 1, 1])
  })

  it('forgets what the answer has lost', () => {
    const penalties = createPenalties({ ...PLAIN, frequencyPenalty: 1 }, new Set())
    for (const id of [0, 0, 1]) penalties?.accept(id)
    for (const id of [1, 0]) penalties?.undo(id)
    const row = Float32Array.of(5, 5)
    penalties?.apply(row)
    expect([...row]).toEqual([4, 5])
  })

  it('agrees with the plain rules on random answers', () => {
    for (let round = 0; round < 200; round++) {
      const random = (at: number) => uniformAt(round, at)
      const ids = (length: number, from: number) =>
        Array.from({ length }, (_, at) => Math.floor(30 * random(from + at)))
      const logits = Float32Array.from({ length: 24 }, (_, at) => 20 * random(at + 100) - 10)
      const params = {
        ...PLAIN,
        repetitionPenalty: 0.5 + random(0),
        presencePenalty: 4 * random(1) - 2,
        frequencyPenalty: 4 * random(2) - 2,
        logitBias: new Map(ids(3, 10).map((id, at) => [id, 10 * random(at + 20) - 5])),
      }
      const [prompt, answer] = [ids(8, 30), ids(8, 50)]
      const penalties = createPenalties(params, new Set(prompt))
      for (const id of answer) penalties?.accept(id)
      const row = logits.slice()
      penalties?.apply(row)
      const expected = reference(params, logits, prompt, answer)
      for (const [id, logit] of row.entries()) expect(logit).toBeCloseTo(expected[id] ?? Number.NaN, 4)
    }
  })
})
