import { AppError } from '@loupe/shared/errors'
import { describe, expect, it } from 'vitest'
import { createSampler, type Sampler } from './sampler.ts'
import type { SamplingParams } from './sampling-params.ts'
import type { TokenConstraint } from './token-constraint.ts'

const ALL: SamplingParams = { temperature: 1, topK: 0, topP: 1, seed: 1 }
const GREEDY: SamplingParams = { ...ALL, temperature: 0 }
const LOGPROBS = { topLogprobs: 0 }

/** Natural logs of shares, so that a softmax gives the shares back. */
function logitsOf(...shares: number[]): Float32Array {
  return Float32Array.from(shares, Math.log)
}

function fault(run: () => unknown): AppError {
  try {
    run()
  } catch (thrown) {
    if (AppError.isInstance(thrown)) return thrown
    throw thrown
  }
  throw new Error('expected an AppError')
}

describe('createSampler', () => {
  it('takes the likeliest token at temperature 0', () => {
    expect(createSampler(GREEDY).next(Float32Array.of(-5, 2, 7, 6.9), 0).id).toBe(2)
  })

  it('takes the lowest id when the likeliest tokens tie', () => {
    expect(createSampler(GREEDY).next(Float32Array.of(1, 3, 3, 3), 0).id).toBe(1)
  })

  it('is greedy when the temperature is too low for float32', () => {
    const sampler = createSampler({ ...ALL, temperature: 1e-40 })
    for (let position = 0; position < 20; position++) {
      expect(sampler.next(Float32Array.of(1, 1.5, -2), position).id).toBe(1)
    }
  })

  it('draws the same token for the same seed and position, in any order', () => {
    const logits = new Float32Array(500)
    const forward = createSampler({ ...ALL, seed: 42 })
    const ids = Array.from({ length: 20 }, (_, position) => forward.next(logits, position).id)
    const backward = createSampler({ ...ALL, seed: 42 })
    for (let position = 19; position >= 0; position--) {
      expect(backward.next(logits, position).id).toBe(ids[position])
    }
    expect(new Set(ids).size).toBeGreaterThan(15)
  })

  it('draws other tokens for another seed', () => {
    const logits = new Float32Array(1000)
    const draws = (seed: number) => {
      const sampler = createSampler({ ...ALL, seed })
      return Array.from({ length: 8 }, (_, position) => sampler.next(logits, position).id)
    }
    expect(draws(1)).not.toEqual(draws(2))
    expect(draws(0)).not.toEqual(draws(-1))
  })

  it('reports the log probability before temperature and filters', () => {
    const logits = logitsOf(0.5, 0.3, 0.2)
    expect(createSampler(GREEDY, LOGPROBS).next(logits, 0).logprob).toBeCloseTo(Math.log(0.5), 6)
    const { id, logprob } = createSampler({ temperature: 3, topK: 1, topP: 0.1, seed: 7 }, LOGPROBS).next(logits, 0)
    expect([id, logprob]).toEqual([0, expect.closeTo(Math.log(0.5), 6)])
  })

  it('keeps the log probability exact when the logits are large', () => {
    const { logprob } = createSampler(GREEDY, LOGPROBS).next(Float32Array.of(10_000, 10_001), 0)
    expect(logprob).toBeCloseTo(-Math.log(1 + Math.exp(-1)), 6)
  })

  it('never chooses a banned id, nor one beyond the limit', () => {
    const logits = Float32Array.of(0, 9, 1, 10)
    const options = { ...LOGPROBS, vocabLimit: 3, bannedIds: [1] }
    const { id, logprob } = createSampler(GREEDY, options).next(logits, 0)
    expect(id).toBe(2)
    expect(logprob).toBeCloseTo(1 - 10 - Math.log(1 + Math.exp(-1) + Math.exp(-9) + Math.exp(-10)), 5)
    const sampler = createSampler({ ...ALL, temperature: 5 }, options)
    const ids = Array.from({ length: 50 }, (_, position) => sampler.next(logits, position).id)
    expect([...new Set(ids)].sort()).toEqual([0, 2])
    expect(logits).toEqual(Float32Array.of(0, 9, 1, 10))
  })

  it('holds ids back until the answer has its least tokens', () => {
    const logits = Float32Array.of(1, 9, 3)
    const chosen = (answered: number) => {
      const heldBack = { ids: [1], tokens: 3 }
      const sampler = createSampler(GREEDY, { heldBack, answeredIds: new Int32Array(answered) })
      return Array.from({ length: 4 }, (_, position) => sampler.next(logits, position).id)
    }
    expect(chosen(0)).toEqual([2, 2, 2, 1])
    expect(chosen(2)).toEqual([2, 1, 1, 1])
  })

  it('never chooses a token of probability 0', () => {
    const logits = Float32Array.of(Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY)
    const sampler = createSampler(ALL)
    for (let position = 0; position < 50; position++) expect(sampler.next(logits, position).id).toBe(1)
  })

  it.each([
    [{ temperature: -0.1 }, 'temperature: expected a number of at least 0, found -0.1'],
    [{ temperature: Number.NaN }, 'temperature: expected a number of at least 0, found NaN'],
    [{ temperature: Number.POSITIVE_INFINITY }, 'temperature: expected a number of at least 0, found Infinity'],
    [{ topK: -1 }, 'top_k: expected a whole number of at least 0, found -1'],
    [{ topK: 1.5 }, 'top_k: expected a whole number of at least 0, found 1.5'],
    [{ topP: 1.01 }, 'top_p: expected a number from 0 to 1, found 1.01'],
    [{ topP: Number.NaN }, 'top_p: expected a number from 0 to 1, found NaN'],
    [{ minP: -0.1 }, 'min_p: expected a number from 0 to 1, found -0.1'],
    [{ repetitionPenalty: 0 }, 'repetition_penalty: expected a number above 0, found 0'],
    [{ presencePenalty: Number.NaN }, 'presence_penalty: expected a finite number, found NaN'],
    [{ frequencyPenalty: Number.POSITIVE_INFINITY }, 'frequency_penalty: expected a finite number, found Infinity'],
    [{ logitBias: new Map([[1, Number.NaN]]) }, 'logit_bias: expected a finite number, found NaN'],
    [{ seed: 0.5 }, 'seed: expected a whole number, found 0.5'],
    [{ seed: 2 ** 53 }, 'seed: expected a whole number, found 9007199254740992'],
  ])('refuses %j', (change, message) => {
    const { code, detail, param } = fault(() => createSampler({ ...ALL, ...change }))
    expect([code, detail]).toEqual(['request.invalid', `${message}.`])
    expect(message.startsWith(`${param}:`)).toBe(true)
  })

  it.each([
    ['a NaN', Float32Array.of(0, Number.NaN), 'found NaN for token 1'],
    ['an infinity', Float32Array.of(0, Number.POSITIVE_INFINITY), 'found Infinity as the largest of 2'],
    ['no finite value', Float32Array.of(Number.NEGATIVE_INFINITY), 'found -Infinity as the largest of 1'],
    ['no value', new Float32Array(0), 'found -Infinity as the largest of 0'],
  ])('fails on logits with %s', (_, logits, message) => {
    const { code, detail } = fault(() => createSampler(ALL).next(logits, 0))
    expect(code).toBe('runtime.failed')
    expect(detail).toContain(message)
  })
  it('goes on with an answer that was begun elsewhere as if it had made it', () => {
    const params = { ...ALL, frequencyPenalty: 0.7, repetitionPenalty: 1.2 }
    const promptIds = new Set([3, 4])
    const logits = Float32Array.from({ length: 40 }, (_, id) => Math.sin(id))
    const whole = createSampler(params, { promptIds })
    const ids = answer(whole, logits, 12)
    const rest = createSampler(params, { promptIds, answeredIds: Int32Array.from(ids.slice(0, 5)) })
    expect(answer(rest, logits, 7)).toEqual(ids.slice(5))
  })

  it('takes back tokens of a draft', () => {
    const params = { ...ALL, frequencyPenalty: 2, temperature: 0 }
    const logits = Float32Array.of(0, 5, 4, 3.5)
    const sampler = createSampler(params)
    const first = answer(sampler, logits, 4)
    expect(first).toEqual([1, 2, 3, 1])
    sampler.rollback(2)
    expect(answer(sampler, logits, 2)).toEqual([3, 1])
    sampler.rollback(0)
    sampler.rollback(4)
    expect(answer(sampler, logits, 4)).toEqual(first)
  })

  it('gives each choice its own draws, and the first those of a lone answer', () => {
    const logits = new Float32Array(1000)
    const drawn = (choice?: number) => answer(createSampler(ALL, choice === undefined ? {} : { choice }), logits, 6)
    expect(drawn(0)).toEqual(drawn())
    expect(new Set([0, 1, 2, 3].map((choice) => drawn(choice).join())).size).toBe(4)
  })

  it('follows its constraint, tells it what was accepted, and never takes a banned id that it allows', () => {
    const told: (number | string)[] = []
    const sampler = createSampler(
      { ...ALL, topK: 2, minP: 0.01 },
      { constraint: constraint(0b10110, told), bannedIds: [2], answeredIds: Int32Array.of(4) },
    )
    const logits = Float32Array.of(90, 1, 80, 70, 1)
    const ids = Array.from({ length: 40 }, (_, position) => sampler.next(logits, position).id)
    expect([...new Set(ids)].sort()).toEqual([1, 4])
    sampler.accept(1)
    sampler.rollback(1)
    sampler[Symbol.dispose]()
    expect(told).toEqual([4, 1, 'rollback 1', 'disposed'])
    expect(logits).toEqual(Float32Array.of(90, 1, 80, 70, 1))
  })

  it('fails when the constraint and the bans leave no token', () => {
    const sampler = createSampler(ALL, { constraint: constraint(0b10, []), bannedIds: [1] })
    expect(fault(() => sampler.next(Float32Array.of(1, 2, 3), 0)).code).toBe('grammar.invalid')
  })
})

function answer(sampler: Sampler, logits: Float32Array, tokens: number): number[] {
  return Array.from({ length: tokens }, (_, position) => {
    const { id } = sampler.next(logits, position)
    sampler.accept(id)
    return id
  })
}

/** Allows the same tokens always. */
function constraint(bits: number, told: (number | string)[]): TokenConstraint {
  return {
    ready: () => undefined,
    mask: Int32Array.of(bits),
    accept: (id) => told.push(id),
    rollback: (tokens) => told.push(`rollback ${tokens}`),
    [Symbol.dispose]: () => told.push('disposed'),
  }
}
