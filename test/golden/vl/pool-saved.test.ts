/** Sequences that are copied, put away and taken out again, against one forward pass over each. */
import type { Gemma3VLModel, SavedTokens } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { caseDirectory } from './golden-case.ts'
import { expectCode, PoolStreams } from './pool-streams.ts'
import { type TokenStream, tokenStream } from './token-stream.ts'

/** More than eighteen windows of 12. */
const TOKENS = 220

let model: Gemma3VLModel
let withPictures: TokenStream
let text: TokenStream

beforeAll(async () => {
  model = await loadGemma3VL(caseDirectory('image-first-long-text'), { threads: 1 })
  withPictures = await tokenStream(model, 11, TOKENS, [3, 40, 5, 60])
  text = await tokenStream(model, 12, TOKENS)
})
afterAll(() => model[Symbol.dispose]())

/** Prefills a stream, and saves stretches of it as they come: each ends where a picture may be cut. */
async function saveStretches(play: PoolStreams, slot: number, each: number, end: number): Promise<SavedTokens[]> {
  const saved: SavedTokens[] = []
  while (play.pool.lengthTokens(slot) < end) {
    const from = play.pool.lengthTokens(slot)
    await play.advance(slot, each)
    saved.push(play.pool.save(slot, from, play.pool.lengthTokens(slot)))
  }
  return saved
}

/** Bytes of keys and values of one token in one layer. */
function layerBytes(): number {
  const { keyHeads, headSize } = model.config.text
  return 2 * keyHeads * headSize * 4
}

describe('stretches of tokens', () => {
  it.each([
    { each: 64, partTokens: 70 },
    { each: 8, partTokens: 8 },
    { each: 5, partTokens: 100 },
  ])('are put behind any of the tokens before them: %j', async ({ each, partTokens }) => {
    using play = new PoolStreams(model, { slots: 2, capacityTokens: TOKENS, partTokens })
    play.join(0, withPictures)
    const saved = await saveStretches(play, 0, each, 192)
    for (let given = 0; given < saved.length; given += each === 64 ? 1 : 7) {
      for (const last of [given + 1, Math.ceil((given + saved.length) / 2), saved.length]) {
        play.join(1, withPictures)
        const from = saved[given]?.fromToken ?? 0
        if (from > 0) await play.advance(1, from)
        play.pool.restore(1, saved.slice(given, last))
        const { fromToken = 0, tokens = 0 } = saved[last - 1] ?? {}
        expect(play.pool.lengthTokens(1)).toBe(fromToken + tokens)
        await play.advance(1, 3)
        await play.advance(1, 20)
      }
    }
  })

  it('are as good in a pool of another size', async () => {
    using from = new PoolStreams(model, { slots: 3, capacityTokens: 200, partTokens: 30 })
    using to = new PoolStreams(model, { slots: 1, capacityTokens: TOKENS, partTokens: 4 })
    from.join(2, text)
    to.join(0, text)
    to.pool.restore(0, await saveStretches(from, 2, 25, 150))
    await to.decode(0)
    // What was restored last can be gone back by, too.
    to.pool.truncate(0, 151 - 16)
    await to.advance(0, 40)
  })

  it('tell where they begin and what they take', async () => {
    using play = new PoolStreams(model, { slots: 1, capacityTokens: TOKENS, partTokens: 64 })
    play.join(0, text)
    const [, second] = await saveStretches(play, 0, 64, 128)
    expect(second).toEqual({ fromToken: 64, tokens: 64, bytes: 64 * model.config.text.layers * layerBytes() })
    play.pool.restore(0, [])
    expect(play.pool.lengthTokens(0)).toBe(128)
  })

  it('cannot be had when layers with a window have let them go', async () => {
    using play = new PoolStreams(model, { slots: 1, capacityTokens: TOKENS, partTokens: 8 })
    play.join(0, text)
    await play.advance(0, 80)
    // W - 1 + 16 + 8 slots: at least W - 1 + 16 are kept.
    await expectCode(() => play.pool.save(0, 40, 60), 'request.invalid', /from: expected .* found 40/)
    expect(play.pool.save(0, 80 - 27, 80).tokens).toBe(27)
  })

  it('cannot be put where there is no room', async () => {
    using play = new PoolStreams(model, { slots: 2, capacityTokens: 64, partTokens: 64 })
    play.join(0, text)
    play.join(1, text)
    const [first] = await saveStretches(play, 0, 40, 40)
    using small = new PoolStreams(model, { slots: 1, capacityTokens: 39 })
    await expectCode(
      () => small.pool.restore(0, first ? [first] : []),
      'prompt.too_long',
      /at most 39 tokens, found 40/,
    )
    await expectCode(() => small.pool.copyIn(0, play.pool.copyOut(0)), 'prompt.too_long', /at most 39 tokens, found 40/)
  })
})

describe('a copy', () => {
  it.each([5, 30, 100])('of %d tokens goes its own way', async (length) => {
    using play = new PoolStreams(model, { slots: 4, capacityTokens: TOKENS, partTokens: 8 })
    // The same beginning, and other ends.
    const ids = Int32Array.from(text.ids, (id, token) => (token < length ? id : ((id + 50) % 290) + 6))
    const { logits } = await model.forward({ inputIds: ids, partTokens: TOKENS })
    const { vocabSize } = model.config.text
    const other: TokenStream = { ...text, ids, logits: (a, b = a + 1) => logits.subarray(a * vocabSize, b * vocabSize) }
    play.join(1, text)
    await play.advance(1, length)
    play.pool.copy(1, 3)
    play.pool.copy(1, 0)
    play.goOn(0, text)
    play.goOn(3, other)
    for (let count = 0; count < 30; count++) await play.decode(3, 0, 1)
    play.leave(1)
    for (let count = 0; count < 10; count++) await play.decode(0, 3)
  })

  it('of an empty slot is empty', () => {
    using pool = model.openPool({ slots: 2, capacityTokens: 64 })
    pool.copy(0, 1)
    expect(pool.lengthTokens(1)).toBe(0)
  })
})

describe('a whole sequence', () => {
  it.each([1, 12, 33, 34, 35, 36, 90, 150])('of %d tokens comes back where it was, or elsewhere', async (length) => {
    using play = new PoolStreams(model, { slots: 3, capacityTokens: TOKENS, partTokens: 8 })
    play.join(0, withPictures)
    play.join(1, text)
    await play.advance(0, length)
    await play.advance(1, 50)
    const saved = play.pool.copyOut(0)
    const tokens = play.pool.lengthTokens(0)
    expect(saved.tokens).toBe(tokens)
    expect(saved.bytes).toBeLessThanOrEqual(tokens * model.config.text.layers * layerBytes())
    play.join(0, text)
    await play.advance(0, 70)
    play.join(2, withPictures)
    play.pool.copyIn(2, saved)
    play.join(0, withPictures)
    play.pool.copyIn(0, saved)
    if (tokens > 100) play.pool.truncate(0, tokens - 16)
    for (const slot of [0, 2]) await play.advance(slot, 9)
    for (let count = 0; count < 20; count++) await play.decode(...[2, 1, 0].filter((slot) => play.isText(slot)))
  })

  it('takes of layers with a window no more than can be seen', async () => {
    using play = new PoolStreams(model, { slots: 1, capacityTokens: TOKENS, partTokens: 64 })
    play.join(0, text)
    await play.advance(0, 100)
    const { layerTypes, slidingWindow } = model.config.text
    const local = layerTypes.filter((type) => type === 'sliding_attention').length
    const slots = local * (slidingWindow - 1 + 16) + (layerTypes.length - local) * 100
    expect(play.pool.copyOut(0)).toEqual({ fromToken: 0, tokens: 100, bytes: slots * layerBytes() })
  })
})
