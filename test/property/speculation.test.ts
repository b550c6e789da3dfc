/** What is guessed, and answers with guessed tokens against the same answers without, of the embedded model. */
import { setImmediate } from 'node:timers/promises'
import { BatchEngine } from '@loupe/gpu-worker/src/engine/batch-engine.ts'
import { findRepetition } from '@loupe/gpu-worker/src/speculate/prompt-lookup.ts'
import { PromptSpeculator } from '@loupe/gpu-worker/src/speculate/prompt-speculator.ts'
import { createSampler, type Gemma3VLModel, type SamplingParams, type TokenConstraint } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { caseDirectory } from '../golden/vl/golden-case.ts'

/** One request: a few words again and again, so that there is always something to guess. */
interface Question {
  readonly words: readonly number[]
  readonly repeats: number
  readonly params: SamplingParams
  readonly maxTokens: number
  readonly stopTokenIds: readonly number[]
  readonly isConstrained: boolean
}

const question: fc.Arbitrary<Question> = fc.record({
  words: fc.array(fc.integer({ min: 6, max: 299 }), { minLength: 2, maxLength: 5 }),
  repeats: fc.integer({ min: 2, max: 20 }),
  params: fc.record({
    temperature: fc.constantFrom(0, 0, 0.3, 1),
    topK: fc.constantFrom(0, 20),
    topP: fc.constantFrom(1, 0.9),
    minP: fc.constantFrom(0, 0.05),
    repetitionPenalty: fc.constantFrom(1, 1, 1.2),
    presencePenalty: fc.constantFrom(0, 0, 0.5),
    frequencyPenalty: fc.constantFrom(0, 0, -0.5),
    seed: fc.nat(1000),
  }),
  maxTokens: fc.integer({ min: 1, max: 40 }),
  stopTokenIds: fc.array(fc.integer({ min: 6, max: 319 }), { maxLength: 20 }),
  isConstrained: fc.boolean(),
})
const guessed = fc.constantFrom<number | 'auto'>(1, 2, 3, 7, 15, 'auto')

/** Lets words of three kinds follow each other in turn, and takes its time to say so. */
function inTurn(vocabSize: number): TokenConstraint {
  const mask = new Int32Array(Math.ceil(vocabSize / 32))
  let accepted = 0
  let isLooking = true
  const look = async () => {
    await setImmediate()
    mask.fill(0)
    for (let id = accepted % 3; id < vocabSize; id += 3) mask[id >> 5] = (mask[id >> 5] ?? 0) | (1 << (id & 31))
    isLooking = false
  }
  return {
    mask,
    ready: () => (isLooking ? look() : undefined),
    accept() {
      accepted++
      isLooking = true
    },
    rollback: () => expect.fail('nothing is accepted that is not chosen'),
    [Symbol.dispose]: () => {},
  }
}

describe('a guess', () => {
  it('is taken from the longest match, as a search by hand finds it', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2), { maxLength: 60, size: 'max' }), (ids) => {
        const found = findRepetition(Int32Array.from(ids))
        const lengths = ids.slice(0, -1).map((_, at) => {
          let common = 0
          while (common <= at && common < 16 && ids[at - common] === ids[ids.length - 1 - common]) common++
          return common
        })
        const longest = Math.max(0, ...lengths)
        expect(found?.matched ?? 0).toBe(longest < 2 ? 0 : longest)
        if (found !== undefined) expect([...found.next]).toEqual(ids.slice(lengths.lastIndexOf(longest) + 1))
      }),
    )
  })
})

describe('guessed tokens of the embedded model', () => {
  let model: Gemma3VLModel
  beforeAll(async () => {
    model = await loadGemma3VL(caseDirectory('image-first-long-text'), { threads: 1 })
  })
  afterAll(() => model[Symbol.dispose]())

  function engineOf(speculator?: PromptSpeculator) {
    return new BatchEngine({
      pool: model.openPool({ slots: 2, capacityTokens: 160, partTokens: 32 }),
      imageTokenId: model.config.imageTokenId,
      limits: { requests: 10, requestsPerTenant: 10, tokens: 10_000 },
      chunkTokens: 32,
      speculator,
      monitor: { step: () => {}, tokenGap: () => {}, preempted: () => {} },
      now: () => performance.now(),
    })
  }

  /** @returns ids of the answer, and how it ended */
  async function answer(engine: BatchEngine, { words, repeats, ...asked }: Question) {
    const { eosTokenIds, imageTokenId, text } = model.config
    const constraint = asked.isConstrained ? inTurn(text.vocabSize) : undefined
    const job = {
      inputIds: Int32Array.from({ length: words.length * repeats }, (_, at) => words[at % words.length] ?? 0),
      images: { cached: 0, digests: [], features: () => Promise.resolve([]), [Symbol.dispose]: () => {} },
      samplers: [createSampler(asked.params, { bannedIds: [imageTokenId], constraint })],
      stop: { eosTokenIds, stopTokenIds: asked.stopTokenIds, maxTokens: asked.maxTokens },
      observer: { event: () => {}, settled: () => {} },
      tenant: '',
      priority: 0,
      timeoutMs: undefined,
    }
    const ids: (number | string)[] = []
    for await (const event of engine.generate(job, new AbortController().signal)) {
      if (event.type === 'token') ids.push(event.id)
      if (event.type === 'done') ids.push(event.finishReason)
    }
    return ids
  }

  it('change no id and no end, whatever chooses among the tokens', async () => {
    const sum = { drafted: 0, accepted: 0 }
    const plain = engineOf()
    await fc.assert(
      fc.asyncProperty(fc.array(question, { minLength: 3, maxLength: 3 }), guessed, async (questions, tokens) => {
        const onJudged = (drafted: number, accepted: number) => {
          sum.drafted += drafted
          sum.accepted += accepted
        }
        const guessing = engineOf(new PromptSpeculator({ tokens, onJudged }))
        for (const each of questions) expect(await answer(guessing, each)).toEqual(await answer(plain, each))
        await guessing.close(new Error('the test is over'))
      }),
      { numRuns: 25 },
    )
    await plain.close(new Error('the test is over'))
    expect(sum.accepted).toBeGreaterThan(20)
    expect(sum.drafted - sum.accepted).toBeGreaterThan(20)
  })
})
