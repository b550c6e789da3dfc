import { describe, expect, it } from 'vitest'
import { createEngine, ENGINE_IDS, soloAnswers, type TestRequest } from '../testing/engine-fixture.ts'
import { blockTokens, PrefixBlocks } from './prefix-blocks.ts'

/** A token of the pool of {@link createEngine} takes so many bytes. */
const TOKEN_BYTES = 8
const IMAGE = ENGINE_IDS.image

/** Words of a prompt. */
const words = (count: number, from = 2) => Array.from({ length: count }, (_, at) => 2 + ((from + 3 * at) % 27))
const picture = new Array<number>(ENGINE_IDS.tokensPerImage).fill(IMAGE)

/** An engine with a cache of blocks of four tokens. */
function cachedEngine({ capacityBytes = 10_000, slots = 2, keptTokens = 64 } = {}) {
  const queries: [number, number][] = []
  const prefixes = new PrefixBlocks({
    capacityBytes,
    blockTokens: 4,
    imageTokenId: IMAGE,
    onQuery: (...query) => queries.push(query),
  })
  const made = createEngine({ slots, prefixes, keptTokens })
  /** Asks, checks the answer. @returns tokens of the prompt that were not computed */
  async function cachedOf(request: TestRequest): Promise<number> {
    const asked = made.ask(request)
    expect(await asked.ended).toBeUndefined()
    expect(asked.answers).toEqual(soloAnswers(request))
    const done = asked.events.find(({ type }) => type === 'done')
    return done?.type === 'done' ? done.cachedTokens : -1
  }
  return { ...made, prefixes, queries, cachedOf }
}

describe('PrefixBlocks', () => {
  it('computes of a conversation that goes on what is new, the last answer included', async () => {
    const { cachedOf, queries } = cachedEngine()
    const first = { ids: words(13), maxTokens: 9, seeds: [5] }
    expect(await cachedOf(first)).toBe(0)
    const answer = soloAnswers(first)[0] ?? []
    const second = { ids: [...first.ids, ...answer, ...words(6, 11)], maxTokens: 9 }
    // The last token of the answer has not gone through the model.
    expect(await cachedOf(second)).toBe(4 * Math.floor((13 + answer.length - 1) / 4))
    expect(queries).toEqual([
      [13, 0],
      [second.ids.length, 4 * Math.floor((13 + answer.length - 1) / 4)],
    ])
  })

  it('leaves a token to compute of a prompt that is known to its end', async () => {
    const { cachedOf } = cachedEngine()
    await cachedOf({ ids: words(12) })
    expect(await cachedOf({ ids: words(12) })).toBe(8)
    expect(await cachedOf({ ids: words(13) })).toBe(12)
  })

  it('keeps nothing of one tenant for another', async () => {
    const { cachedOf } = cachedEngine()
    await cachedOf({ ids: words(20), tenant: 'a' })
    expect(await cachedOf({ ids: words(20), tenant: 'b' })).toBe(0)
    expect(await cachedOf({ ids: words(20), tenant: '' })).toBe(0)
    expect(await cachedOf({ ids: words(20), tenant: 'a' })).toBe(16)
  })

  it('tells other pictures from the same tokens', async () => {
    const { cachedOf } = cachedEngine()
    const ids = [...words(8), ...picture, ...words(8)]
    await cachedOf({ ids, pictures: [1] })
    expect(await cachedOf({ ids, pictures: [2] })).toBe(8)
    expect(await cachedOf({ ids, pictures: [1] })).toBe(16)
  })

  it.each([
    [8, 12],
    [7, 11],
    [6, 10],
    [5, 9],
    [4, 8],
  ])('never ends in a picture: behind %d words, %d tokens are taken over', async (before, cached) => {
    const { cachedOf } = cachedEngine()
    const front = [...words(before), ...picture]
    await cachedOf({ ids: [...front, 5, 5, 5, 5, 5], pictures: [1], maxTokens: 1 })
    expect(await cachedOf({ ids: [...front, 7, 7], pictures: [1], maxTokens: 1 })).toBe(cached)
  })

  it('shares a front among answers that are made at the same time', async () => {
    const { cachedOf } = cachedEngine({ slots: 4 })
    await cachedOf({ ids: words(16) })
    const all = [1, 2, 3].map((seed) => cachedOf({ ids: [...words(16), seed + 3, 4], seeds: [seed, seed + 5] }))
    expect(await Promise.all(all)).toEqual([16, 16, 16])
  })

  it('stays within its budget, and is of use when that is small', async () => {
    const capacityBytes = 6 * 4 * TOKEN_BYTES
    const { cachedOf, prefixes } = cachedEngine({ capacityBytes })
    for (const from of [0, 5, 9]) {
      await cachedOf({ ids: words(30, from) })
      expect(prefixes.bytes).toBe(capacityBytes)
    }
    expect(await cachedOf({ ids: words(30, 9) })).toBe(24)
    expect(await cachedOf({ ids: words(30, 0) })).toBe(0)
  })

  it('lets go what a sequence no longer holds, and what was to come behind it', async () => {
    const { cachedOf } = cachedEngine({ keptTokens: 3 })
    await cachedOf({ ids: words(20) })
    expect(await cachedOf({ ids: words(20) })).toBe(0)
  })
})

describe('blocks', () => {
  it('have 64 tokens, or as many as a narrow window', () => {
    expect([1024, 512, 64, 12].map(blockTokens)).toEqual([64, 64, 64, 12])
  })
})
