/** Sequences that share a pool, against one forward pass over each of them alone. */
import type { Gemma3VLModel } from '@loupe/model'
import { embeddedModelDirectory, loadGemma3VL, loadPipeline } from '@loupe/model/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { caseDirectory, worstDifference } from './golden-case.ts'
import { CLOSE, expectCode, PoolStreams } from './pool-streams.ts'
import { numbers, type TokenStream, tokenStream } from './token-stream.ts'

/** More than ten windows of 12. */
const TOKENS = 150

let model: Gemma3VLModel
let streams: readonly TokenStream[]

beforeAll(async () => {
  model = await loadGemma3VL(caseDirectory('image-first-long-text'), { threads: 1 })
  const pictures = [[3], [], [0, 6], [20, 1, 9], [], [40]]
  streams = await Promise.all(pictures.map((before, seed) => tokenStream(model, seed, TOKENS, before)))
})
afterAll(() => model[Symbol.dispose]())

function stream(index: number): TokenStream {
  return streams[index % streams.length] ?? expect.fail('there are no streams')
}

/** A pool with streams in its first slots. */
function poolOf(count: number, size: { slots: number; capacityTokens?: number; partTokens: number }): PoolStreams {
  const play = new PoolStreams(model, { capacityTokens: TOKENS, ...size })
  for (let slot = 0; slot < count; slot++) play.join(slot, stream(slot))
  return play
}

/** A signal that aborts when the nth run begins to listen to it. */
function abortedInRun(runs: number): AbortSignal {
  const controller = new AbortController()
  const { signal } = controller
  let count = 0
  signal.addEventListener = (...listener: Parameters<AbortSignal['addEventListener']>) => {
    EventTarget.prototype.addEventListener.apply(signal, listener)
    if (++count === runs) controller.abort()
  }
  return signal
}

describe('sequences in a pool', () => {
  /** Somebody may leave, somebody may join, somebody's prompt may go on; then some are decoded. */
  async function step(play: PoolStreams, next: (below: number) => number, joined: number): Promise<number> {
    const ended = play.taken.find((slot) => play.pool.lengthTokens(slot) === TOKENS || next(60) === 0)
    if (ended !== undefined) play.leave(ended)
    const free = [0, 1, 2, 3, 4].filter((slot) => !play.taken.includes(slot))
    const joins = free.length > 0 && next(3) === 0
    if (joins) play.join(free[next(free.length)] ?? -1, stream(joined))
    const some = play.taken[next(5)]
    if (some !== undefined && play.pool.lengthTokens(some) < TOKENS && next(3) === 0) {
      await play.advance(some, 1 + next(20))
    }
    const decoding = play.taken.filter((slot) => play.isText(slot) && next(5) > 0)
    if (decoding.length > 0) await play.decode(...(next(2) === 0 ? decoding : decoding.toReversed()))
    return joined + Number(joins)
  }

  it.each([1, 2, 3, 4])('join, go on and leave at any step, and none changes another: schedule %d', async (seed) => {
    using play = poolOf(0, { slots: 5, partTokens: 8 })
    const next = numbers(seed)
    let joined = 0
    for (let count = 0; count < 200; count++) joined = await step(play, next, joined)
    expect(joined).toBeGreaterThan(8)
  })

  it('give the same greedy ids as each alone', async () => {
    const prompts = [7, 30, 61].map((tokens, index) => {
      const { ids, cutAfter, featuresOf } = stream(index)
      return { ids: ids.subarray(0, cutAfter(tokens)), features: featuresOf(0, cutAfter(tokens)) }
    })
    const best = (logits: Float32Array) => logits.indexOf(Math.max(...logits))
    const alone: number[][] = []
    for (const { ids, features } of prompts) {
      using sequence = model.startSequence({ capacityTokens: TOKENS })
      const answer = [best(await sequence.prefill(ids, features))]
      while (answer.length < 40) answer.push(best(await sequence.decode(answer.at(-1) ?? -1)))
      alone.push(answer)
    }
    using pool = model.openPool({ slots: 3, capacityTokens: TOKENS, partTokens: 16 })
    const together: number[][] = []
    for (const [slot, { ids, features }] of prompts.entries()) {
      together.push([best(await pool.prefill(slot, ids, features))])
    }
    const { vocabSize } = model.config.text
    for (let count = 1; count < 40; count++) {
      const logits = await pool.decode(
        [0, 1, 2],
        Int32Array.from(together, (ids) => ids.at(-1) ?? -1),
      )
      for (const [slot, ids] of together.entries()) {
        ids.push(best(logits.subarray(slot * vocabSize, (slot + 1) * vocabSize)))
      }
    }
    expect(together).toEqual(alone)
  })

  it('are as they were when a batch is cancelled', async () => {
    using play = poolOf(3, { slots: 3, partTokens: 8 })
    for (const slot of [0, 1, 2]) await play.advance(slot, 30 + slot)
    for (let count = 0; count < 12; count++) {
      const work = play.pool.decode([2, 0], Int32Array.of(9, 9), { signal: abortedInRun(1) })
      await expectCode(() => work, 'request.cancelled', /./)
      expect([0, 1, 2].map((slot) => play.pool.lengthTokens(slot))).toEqual([30 + count, 31 + count, 32 + count])
      await play.decode(0, 1, 2)
    }
  })

  it('become as long as they can, and are then only beside others', async () => {
    using play = poolOf(3, { slots: 3, capacityTokens: 60, partTokens: 4 })
    for (const slot of [0, 1, 2]) await play.advance(slot, 20)
    await play.advance(1, 40)
    await expectCode(() => play.decode(1), 'prompt.too_long', /at most 60 tokens, found 61/)
    while (play.pool.lengthTokens(0) < 59) await play.decode(2, 0)
    play.pool.truncate(1, 60 - 16)
    while (play.pool.lengthTokens(1) < 60) await play.decode(1)
  })
})

describe('layers with a window', () => {
  it('keep what is seen while tokens come one by one', async () => {
    using play = poolOf(2, { slots: 2, partTokens: 100 })
    for (const slot of [0, 1]) await play.advance(slot, 12)
    while (play.pool.lengthTokens(0) < TOKENS) await play.decode(1, 0)
  })

  it.each([1, 3, 8, 40])('keep what is seen, in parts of %d tokens', async (partTokens) => {
    using play = poolOf(4, { slots: 4, partTokens })
    const next = numbers(partTokens)
    while (play.pool.lengthTokens(3) < TOKENS) await play.advance(3, 1 + next(25))
  })

  it('go back by a rejected draft as if it had never been', async () => {
    using play = poolOf(2, { slots: 2, partTokens: 8 })
    await play.advance(1, 10)
    const next = numbers(5)
    while (play.pool.lengthTokens(1) < TOKENS - 20) {
      const from = play.pool.lengthTokens(1)
      const right = from + 1 + next(3)
      const wrong = Array.from({ length: 1 + next(16) }, () => 6 + next(200))
      const draft = Int32Array.from([...stream(1).ids.subarray(from, right), ...wrong])
      const logits = await play.pool.prefill(1, draft, [], { logits: draft.length })
      const expected = stream(1).logits(from, right)
      expect(worstDifference(logits.subarray(0, expected.length), expected), `token ${from}`).toBeLessThan(CLOSE)
      play.pool.truncate(1, right)
    }
  })

  it('cannot go back further, and nothing is lost by asking', async () => {
    using play = poolOf(1, { slots: 1, partTokens: 8 })
    const { pool } = play
    await play.advance(0, 34)
    pool.truncate(0, 9)
    await expectCode(() => pool.truncate(0, 6), 'image.count_mismatch', /one cut in two/)
    await play.advance(0, 91)
    await expectCode(() => pool.truncate(0, 70), 'request.invalid', /go back by at most 16 tokens, found 30/)
    pool.truncate(0, 84)
    await play.advance(0, 30)
    play.join(0, stream(1))
    await play.advance(0, 60)
  })

  it('have room for what they keep, and refuse what is longer', async () => {
    using pool = model.openPool({ slots: 1, capacityTokens: 512, partTokens: 8 })
    const { boiTokenId, imageTokenId, eoiTokenId, tokensPerImage, text } = model.config
    const prefill = (pictures: number) => {
      const places = new Array<number>(pictures * tokensPerImage).fill(imageTokenId)
      const features = Array.from({ length: pictures }, () => new Float32Array(tokensPerImage * text.hiddenSize))
      return pool.prefill(0, Int32Array.from([boiTokenId, ...places, eoiTokenId]), features)
    }
    await prefill(2)
    await expectCode(() => prefill(3), 'request.unsupported', /at most 8 tokens of images .* found 12/)
    expect(pool.lengthTokens(0)).toBe(10)
  })
})

describe('a prompt', () => {
  it.each([0, 9, 25, 60])(
    'that is cancelled leaves %d tokens as they were, however far it had come',
    async (before) => {
      using play = poolOf(1, { slots: 2, partTokens: 8 })
      if (before > 0) await play.advance(0, before)
      const { ids, featuresOf } = stream(0)
      for (const runs of [1, 2, 5, 9]) {
        const signal = abortedInRun(runs)
        const work = () => play.pool.prefill(0, ids.subarray(before), featuresOf(before, TOKENS), { signal })
        await expectCode(work, 'request.cancelled', /./)
        expect(play.pool.lengthTokens(0)).toBe(before)
      }
      // Also what can be gone back to is still there.
      if (before > 20) play.pool.truncate(0, before - 16)
      await play.advance(0, 40)
    },
  )

  it('gets logits of as many of its last tokens as are wanted', async () => {
    using pool = model.openPool({ slots: 1, capacityTokens: TOKENS, partTokens: 8 })
    const { ids, logits } = stream(1)
    expect(await pool.prefill(0, ids.subarray(0, 20), [], { logits: 0 })).toHaveLength(0)
    const last = await pool.prefill(0, ids.subarray(20, 40), [], { logits: 11 })
    expect(worstDifference(last, logits(29, 40))).toBeLessThan(CLOSE)
    expect(worstDifference(await pool.prefill(0, ids.subarray(40, 60), []), logits(59))).toBeLessThan(CLOSE)
  })
})

describe('the embedded model', () => {
  it('decodes sequences on both sides of its window of 1,024 tokens as one batch', async () => {
    using embedded = await loadGemma3VL(embeddedModelDirectory(), { threads: 1 })
    using play = new PoolStreams(embedded, { slots: 3, capacityTokens: 1400, partTokens: 200 })
    const given = [
      { tokens: 1060, pictures: [30], first: 1010 },
      { tokens: 70, pictures: [], first: 20 },
      { tokens: 1360, pictures: [5, 500], first: 1310 },
    ]
    for (const [slot, { tokens, pictures, first }] of given.entries()) {
      play.join(slot, await tokenStream(embedded, slot, tokens, pictures))
      await play.advance(slot, first)
    }
    for (let count = 0; count < 40; count++) await play.decode(0, 1, 2)
  })
})

describe('a pool over stages', () => {
  it('gives what the unsplit model gives', async () => {
    using pipeline = await loadPipeline(caseDirectory('image-first-long-text'), { stages: 3, threads: 1 })
    using play = new PoolStreams(pipeline, { slots: 3, capacityTokens: TOKENS, partTokens: 8 })
    for (const slot of [0, 1, 2]) {
      play.join(slot, stream(slot))
      await play.advance(slot, 20 + slot * 15)
    }
    for (let count = 0; count < 20; count++) await play.decode(2, 0, 1)
    play.pool.truncate(1, 0)
    play.pool.copy(0, 1)
    play.goOn(1, stream(0))
    for (let count = 0; count < 5; count++) await play.decode(1, 2)
  })
})
