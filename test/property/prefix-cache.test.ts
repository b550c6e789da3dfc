/** Answers with a cache of prefixes against the same answers without one: of a pool without weights, and of a real one. */
import { createHash } from 'node:crypto'
import { BatchEngine } from '@loupe/gpu-worker/src/engine/batch-engine.ts'
import { blockTokens, PrefixBlocks } from '@loupe/gpu-worker/src/prefix/prefix-blocks.ts'
import { createEngine, ENGINE_IDS, soloAnswers } from '@loupe/gpu-worker/src/testing/engine-fixture.ts'
import { createSampler, type Gemma3VLModel } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { caseDirectory } from '../golden/vl/golden-case.ts'

/** A part of a conversation: words that begin with this number, behind a picture or not. */
interface Part {
  readonly from: number
  readonly words: number
  readonly picture: number | undefined
}

/** One request. */
interface Turn {
  readonly tenant: string
  readonly parts: readonly Part[]
  readonly seed: number
  readonly maxTokens: number
}

const part: fc.Arbitrary<Part> = fc.record({
  from: fc.nat(2),
  words: fc.constantFrom(1, 5, 17),
  picture: fc.option(fc.nat(2), { nil: undefined }),
})
/** The beginning of one of two conversations, which goes on in its own way. */
const turn: fc.Arbitrary<Turn> = fc
  .record({
    tenant: fc.constantFrom('a', 'a', 'b'),
    pictures: fc.constantFrom([1, 2], [1, 3]),
    length: fc.nat(4),
    last: part,
    seed: fc.nat(3),
    maxTokens: fc.integer({ min: 1, max: 8 }),
  })
  .map(({ pictures: [first, second], length, last, ...rest }) => {
    const front = [
      { from: 0, words: 19, picture: undefined },
      { from: 1, words: 9, picture: first },
      { from: 2, words: 14, picture: second },
      { from: 0, words: 10, picture: undefined },
    ]
    return { ...rest, parts: [...front.slice(0, length), last] }
  })
/** How many blocks there is room for. */
const budget = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constant(1000))
const turns = fc.array(fc.array(turn, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 10, size: 'max' })

/** The ids of a conversation, and which pictures it shows. */
function promptOf({ parts }: Turn, { image, tokensPerImage }: { image: number; tokensPerImage: number }) {
  const picture = [3, ...new Array<number>(tokensPerImage).fill(image), 4]
  const ids = parts.flatMap(({ from, words, picture: shown }) => {
    return [...(shown === undefined ? [] : picture), ...Array.from({ length: words }, (_, at) => 6 + from + (at % 20))]
  })
  return { ids, pictures: parts.flatMap(({ picture: shown }) => shown ?? []) }
}

describe('a cache of prefixes', () => {
  it('changes no answer, and takes no more than it may', async () => {
    await fc.assert(
      fc.asyncProperty(turns, budget, fc.integer({ min: 3, max: 9 }), async (rounds, blocks, size) => {
        const capacityBytes = blocks * size * 8
        const image = ENGINE_IDS.image
        const prefixes = new PrefixBlocks({ capacityBytes, blockTokens: size, imageTokenId: image })
        const { ask, pool, engine } = createEngine({ slots: 2, capacityTokens: 160, prefixes, keptTokens: size + 3 })
        for (const round of rounds) {
          const requests = round.map((each) => ({
            ...promptOf(each, ENGINE_IDS),
            tenant: each.tenant,
            maxTokens: each.maxTokens,
            seeds: [each.seed],
          }))
          const asked = requests.map(ask)
          expect(await Promise.all(asked.map(({ ended }) => ended))).toEqual(round.map(() => undefined))
          expect(asked.map(({ answers }) => answers)).toEqual(requests.map(soloAnswers))
          expect(prefixes.bytes).toBeLessThanOrEqual(capacityBytes)
        }
        await engine.idle()
        expect(pool.heldSlots).toBe(0)
      }),
      { numRuns: 60 },
    )
  })
})

describe('a cache of prefixes of the embedded model', () => {
  let model: Gemma3VLModel
  beforeAll(async () => {
    model = await loadGemma3VL(caseDirectory('image-first-long-text'), { threads: 1 })
  })
  afterAll(() => model[Symbol.dispose]())

  /** An engine on a pool of its own. */
  function engineOf(prefixes?: PrefixBlocks) {
    return new BatchEngine({
      pool: model.openPool({ slots: 2, capacityTokens: 256 }),
      imageTokenId: model.config.imageTokenId,
      limits: { requests: 10, requestsPerTenant: 10, tokens: 10_000 },
      chunkTokens: 16,
      prefixes,
      monitor: { step: () => {}, tokenGap: () => {}, preempted: () => {} },
      now: () => performance.now(),
    })
  }

  /** @returns ids of the answer, and tokens of the prompt that were not computed */
  async function answer(engine: BatchEngine, turn: Turn): Promise<{ ids: number[]; cached: number }> {
    const { imageTokenId: image, tokensPerImage, text, eosTokenIds } = model.config
    const { ids: inputIds, pictures } = promptOf(turn, { image, tokensPerImage })
    const features = pictures.map((shown) => {
      return Float32Array.from({ length: tokensPerImage * text.hiddenSize }, (_, at) => Math.sin(at * (2 + shown)))
    })
    const params = { temperature: turn.seed === 0 ? 0 : 1, topK: 40, topP: 0.95, seed: turn.seed }
    const job = {
      inputIds: Int32Array.from(inputIds),
      images: {
        cached: 0,
        digests: pictures.map((shown) => createHash('sha256').update(`${shown}`).digest('hex')),
        features: () => Promise.resolve(features),
        [Symbol.dispose]: () => {},
      },
      samplers: [createSampler(params, { bannedIds: [image] })],
      stop: { eosTokenIds, maxTokens: turn.maxTokens },
      observer: { event: () => {}, settled: () => {} },
      tenant: turn.tenant,
      priority: 0,
      timeoutMs: undefined,
    }
    const ids: number[] = []
    for await (const event of engine.generate(job, new AbortController().signal)) {
      if (event.type === 'token') ids.push(event.id)
      if (event.type === 'done') return { ids, cached: event.cachedTokens }
    }
    return expect.fail('an answer ends with its end')
  }

  it('changes no id, and takes no more than it may', async () => {
    const { slidingWindow, layers, keyHeads, headSize } = model.config.text
    const size = blockTokens(slidingWindow)
    let saved = 0
    await fc.assert(
      fc.asyncProperty(turns, budget, async (rounds, blocks) => {
        const capacityBytes = blocks * size * layers * 2 * keyHeads * headSize * 4
        const prefixes = new PrefixBlocks({
          capacityBytes,
          blockTokens: size,
          imageTokenId: model.config.imageTokenId,
        })
        const [cached, plain] = [engineOf(prefixes), engineOf()]
        for (const round of rounds) {
          const answers = await Promise.all(round.map((each) => answer(cached, each)))
          const expected = await Promise.all(round.map((each) => answer(plain, each)))
          expect(answers.map(({ ids }) => ids)).toEqual(expected.map(({ ids }) => ids))
          expect(prefixes.bytes).toBeLessThanOrEqual(capacityBytes)
          saved += answers.reduce((sum, { cached }) => sum + cached, 0)
        }
        for (const engine of [cached, plain]) await engine.close(new Error('the test is over'))
      }),
      { numRuns: 6 },
    )
    expect(saved).toBeGreaterThan(100)
  })
})
