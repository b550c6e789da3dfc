/** What is drawn, against the rules as they are written, token by token in float64. */
import { createSampler, type SamplerOptions, type SamplingParams } from '@loupe/model'
import { describe, expect, it } from 'vitest'

const LOGITS = [2.1, 1.7, 1.2, 0.9, 0.4, -0.2, -0.9, -1.6, -2.5, 1.1, 0.1, -0.4]
const DRAWS = 50_000

interface Case {
  readonly name: string
  readonly params: Partial<SamplingParams>
  readonly prompt?: readonly number[]
  readonly answer?: readonly number[]
  /** Tokens that may come next. */
  readonly mask?: readonly number[]
  readonly bannedIds?: readonly number[]
}

const CASES: readonly Case[] = [
  { name: 'nothing', params: {} },
  { name: 'temperature', params: { temperature: 0.6 } },
  { name: 'top-k', params: { topK: 4 } },
  { name: 'top-p', params: { topP: 0.8 } },
  { name: 'min-p', params: { minP: 0.2 } },
  { name: 'top-k, top-p and min-p', params: { temperature: 1.4, topK: 8, topP: 0.9, minP: 0.1 } },
  { name: 'repetition', params: { repetitionPenalty: 1.6 }, prompt: [0, 5, 5], answer: [1, 8] },
  { name: 'presence and frequency', params: { presencePenalty: 0.7, frequencyPenalty: 0.4 }, answer: [0, 0, 1] },
  {
    name: 'rewards',
    params: { presencePenalty: -0.5, frequencyPenalty: -0.4, repetitionPenalty: 0.8 },
    answer: [7, 7],
  },
  {
    name: 'bias',
    params: {
      logitBias: new Map([
        [6, 3],
        [0, -100],
      ]),
    },
  },
  { name: 'a mask', params: { topK: 3 }, mask: [1, 4, 5, 7, 11] },
  { name: 'bans', params: { topP: 0.9 }, bannedIds: [0, 2] },
  {
    name: 'all of it',
    params: {
      temperature: 1.2,
      topK: 9,
      topP: 0.95,
      minP: 0.05,
      repetitionPenalty: 1.2,
      presencePenalty: 0.3,
      frequencyPenalty: 0.2,
      logitBias: new Map([[8, 4]]),
    },
    prompt: [3, 4],
    answer: [0, 0, 9],
    mask: [0, 1, 2, 3, 4, 5, 7, 8, 9, 10],
    bannedIds: [1],
  },
]

/** The share of each token. */
function shares({ params, prompt = [], answer = [], mask, bannedIds = [] }: Case): number[] {
  const { temperature = 1, topK = 0, topP = 1, minP = 0 } = params
  const scores = LOGITS.map((logit, id) => {
    if (bannedIds.includes(id) || mask?.includes(id) === false) return Number.NEGATIVE_INFINITY
    return penalised(params, logit, { id, prompt, answer }) / temperature
  })
  const falling = [...scores.keys()].sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))
  const kept = falling.slice(0, topK === 0 ? falling.length : topK)
  const inNucleus = nucleus(kept, softmax(kept, scores), topP)
  const all = softmax(inNucleus, scores)
  const most = Math.max(...all.values())
  const likely = inNucleus.filter((id) => (all.get(id) ?? 0) >= minP * most)
  const last = softmax(likely, scores)
  return LOGITS.map((_, id) => last.get(id) ?? 0)
}

function penalised(
  { repetitionPenalty = 1, presencePenalty = 0, frequencyPenalty = 0, logitBias }: Partial<SamplingParams>,
  logit: number,
  { id, prompt, answer }: { id: number; prompt: readonly number[]; answer: readonly number[] },
): number {
  const count = answer.filter((other) => other === id).length
  let score = logit + (logitBias?.get(id) ?? 0)
  if (count > 0 || prompt.includes(id)) score = score > 0 ? score / repetitionPenalty : score * repetitionPenalty
  return score - frequencyPenalty * count - (count > 0 ? presencePenalty : 0)
}

function softmax(ids: readonly number[], scores: readonly number[]): Map<number, number> {
  const weights = ids.map((id) => Math.exp(scores[id] ?? Number.NaN))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return new Map(ids.map((id, at) => [id, (weights[at] ?? 0) / total]))
}

/** The likeliest tokens until they hold the share p. @param ids - falling */
function nucleus(ids: readonly number[], share: ReadonlyMap<number, number>, topP: number): number[] {
  let held = 0
  const end = ids.findIndex((id) => {
    held += share.get(id) ?? 0
    return held >= topP
  })
  return end < 0 ? [...ids] : ids.slice(0, end + 1)
}

/** Passed once in a thousand, by degrees of freedom (Wilson and Hilferty). */
function criticalChiSquare(freedom: number): number {
  return freedom * (1 - 2 / (9 * freedom) + 3.0902 * Math.sqrt(2 / (9 * freedom))) ** 3
}

function optionsOf({ prompt = [], answer = [], mask, bannedIds = [] }: Case): SamplerOptions {
  const bits = mask?.reduce((sum, id) => sum | (1 << id), 0)
  const constraint = bits === undefined ? undefined : constantMask(Int32Array.of(bits))
  return { promptIds: new Set(prompt), answeredIds: Int32Array.from(answer), bannedIds, constraint }
}

function constantMask(mask: Int32Array): NonNullable<SamplerOptions['constraint']> {
  return { ready: () => undefined, mask, accept: () => undefined, rollback: () => undefined, [Symbol.dispose]() {} }
}

describe('50,000 draws have the frequencies of the plain rules', () => {
  it.each(CASES.map((each) => [each.name, each] as const))('%s', (_, each) => {
    const sampler = createSampler({ temperature: 1, topK: 0, topP: 1, seed: 1, ...each.params }, optionsOf(each))
    const row = Float32Array.from(LOGITS)
    const counts = new Array<number>(LOGITS.length).fill(0)
    for (let position = 0; position < DRAWS; position++) {
      const { id } = sampler.next(row, position)
      counts[id] = (counts[id] ?? 0) + 1
    }
    const expected = shares(each)
    const drawable = [...expected.keys()].filter((id) => (expected[id] ?? 0) > 0)
    expect([...counts.keys()].filter((id) => (counts[id] ?? 0) > 0)).toEqual(drawable)
    const chiSquare = drawable.reduce((sum, id) => {
      const wanted = (expected[id] ?? 0) * DRAWS
      return sum + ((counts[id] ?? 0) - wanted) ** 2 / wanted
    }, 0)
    expect(chiSquare).toBeLessThan(criticalChiSquare(drawable.length - 1))
  })
})
