/** What a pool refuses, and that every slot is then as it was. */
import type { Gemma3VLModel, SequencePool } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import type { ErrorCode } from '@loupe/shared/errors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { caseDirectory } from './golden-case.ts'
import { expectCode, PoolStreams } from './pool-streams.ts'
import { type TokenStream, tokenStream } from './token-stream.ts'

let model: Gemma3VLModel
/** Places of a picture at 5 to 8. */
let stream: TokenStream

beforeAll(async () => {
  model = await loadGemma3VL(caseDirectory('image-first-long-text'), { threads: 1 })
  stream = await tokenStream(model, 1, 64, [3])
})
afterAll(() => model[Symbol.dispose]())

/** The picture token of the golden vocabularies. */
const IMAGE = 310
const ids = (...list: number[]) => Int32Array.from(list)

/** On three slots of 64 tokens, of which slot 1 holds twelve. */
const REFUSED: Readonly<Record<string, readonly [(pool: SequencePool) => unknown, ErrorCode, RegExp]>> = {
  'a slot too many': [(pool) => pool.prefill(3, ids(9), []), 'request.invalid', /slot: .* below 3, found 3/],
  'a slot below zero': [(pool) => pool.prefill(-1, ids(9), []), 'request.invalid', /found -1/],
  'half a slot': [(pool) => pool.prefill(0.5, ids(9), []), 'request.invalid', /found 0.5/],
  'the length of no slot': [(pool) => pool.lengthTokens(7), 'request.invalid', /found 7/],
  'no tokens': [(pool) => pool.prefill(0, ids(), []), 'prompt.invalid', /at least one token/],
  'an id that is none': [(pool) => pool.prefill(0, ids(-1), []), 'prompt.invalid_token', /found -1/],
  'features without a place': [
    (pool) => pool.prefill(0, ids(9), [new Float32Array()]),
    'image.count_mismatch',
    /0 images .* features of 1/,
  ],
  'half a picture': [(pool) => pool.prefill(0, ids(IMAGE, IMAGE), []), 'image.count_mismatch', /run of 2/],
  'more logits than tokens': [
    (pool) => pool.prefill(0, ids(9), [], { logits: 2 }),
    'request.invalid',
    /logits: .* 0 to 1, found 2/,
  ],
  'fewer logits than none': [(pool) => pool.prefill(0, ids(9), [], { logits: -1 }), 'request.invalid', /found -1/],
  'more tokens than fit': [
    (pool) => pool.prefill(1, new Int32Array(60).fill(9), []),
    'prompt.too_long',
    /at most 64 tokens, found 72/,
  ],
  'nothing to decode': [(pool) => pool.decode([], ids()), 'request.invalid', /different slots/],
  'one slot twice': [(pool) => pool.decode([1, 1], ids(9, 9)), 'request.invalid', /2 slots, 1 of them different/],
  'two tokens for a slot': [(pool) => pool.decode([1], ids(9, 9)), 'request.invalid', /and 2 tokens/],
  'an empty slot beside another': [(pool) => pool.decode([1, 0], ids(9, 9)), 'request.invalid', /found an empty slot/],
  'no slot beside another': [(pool) => pool.decode([1, 3], ids(9, 9)), 'request.invalid', /found 3/],
  'decoding what is no id': [(pool) => pool.decode([1], ids(5000)), 'prompt.invalid_token', /found 5000/],
  'decoding a picture': [(pool) => pool.decode([1], ids(IMAGE)), 'image.count_mismatch', /run of 1/],
  'a length behind the end': [(pool) => pool.truncate(1, 13), 'request.invalid', /length: .* 0 to 12, found 13/],
  'a length below zero': [(pool) => pool.truncate(1, -1), 'request.invalid', /found -1/],
  'no length': [(pool) => pool.truncate(1, Number.NaN), 'request.invalid', /found NaN/],
  'a length inside of a picture': [(pool) => pool.truncate(1, 6), 'image.count_mismatch', /one cut in two/],
  'a copy of no slot': [(pool) => pool.copy(3, 0), 'request.invalid', /found 3/],
  'a copy to where something is': [(pool) => pool.copy(1, 1), 'request.invalid', /empty slot, found one of 12 tokens/],
  'saving no tokens': [(pool) => pool.save(1, 5, 5), 'request.invalid', /from: .* 0 to 4, found 5/],
  'saving tokens behind the end': [(pool) => pool.save(1, 0, 13), 'request.invalid', /end: .* 1 to 12, found 13/],
  'restoring what was made up': [
    (pool) => pool.restore(0, [{ fromToken: 0, tokens: 1, bytes: 1 }]),
    'request.invalid',
    /what a pool has saved/,
  ],
  'restoring what belongs elsewhere': [
    (pool) => pool.restore(0, [pool.save(1, 9, 12)]),
    'request.invalid',
    /begin: .* 0 to 0, found 9/,
  ],
  'restoring with a gap': [
    (pool) => pool.restore(0, [pool.save(1, 0, 3), pool.save(1, 9, 12)]),
    'request.invalid',
    /begin: .* 3 to 3, found 9/,
  ],
  'restoring half a picture': [
    (pool) => pool.restore(0, [pool.save(1, 0, 6)]),
    'image.count_mismatch',
    /one cut in two/,
  ],
  'copying nothing out': [(pool) => pool.copyOut(0), 'request.invalid', /found 0/],
  'copying in where something is': [(pool) => pool.copyIn(1, pool.copyOut(1)), 'request.invalid', /an empty slot/],
  'copying in a later part': [(pool) => pool.copyIn(0, pool.save(1, 9, 12)), 'request.invalid', /begin: .* found 9/],
}

describe('a pool refuses', () => {
  it.each(Object.entries(REFUSED))('%s', async (_, [work, code, detail]) => {
    using play = new PoolStreams(model, { slots: 3, capacityTokens: 64, partTokens: 8 })
    play.join(1, stream)
    await play.advance(1, 12)
    await expectCode(() => work(play.pool), code, detail)
    expect([0, 1, 2].map((slot) => play.pool.lengthTokens(slot))).toEqual([0, 12, 0])
    await play.decode(1)
    play.join(0, stream)
    await play.advance(0, 20)
  })

  it('a picture that begins where another ended', async () => {
    using pool = model.openPool({ slots: 2, capacityTokens: 64 })
    await pool.prefill(0, stream.ids.subarray(0, 9), stream.features)
    pool.restore(1, [pool.save(0, 0, 9)])
    const more = Int32Array.from([...stream.ids.subarray(5, 9), 9])
    for (const slot of [0, 1]) {
      await expectCode(() => pool.prefill(slot, more, stream.features), 'image.count_mismatch', /cut in two/)
    }
  })

  it('what was saved of another model', async () => {
    using other = await loadGemma3VL(caseDirectory('head-dim-scale'), { threads: 1 })
    using from = model.openPool({ slots: 1, capacityTokens: 64 })
    using to = other.openPool({ slots: 1, capacityTokens: 64 })
    await from.prefill(0, stream.ids.subarray(0, 12), stream.features)
    await expectCode(() => to.restore(0, [from.save(0, 0, 12)]), 'request.invalid', /saved of another/)
    await expectCode(() => to.copyIn(0, from.copyOut(0)), 'request.invalid', /saved of another/)
    expect(to.lengthTokens(0)).toBe(0)
  })

  it('any call while another one runs', async () => {
    using play = new PoolStreams(model, { slots: 2, capacityTokens: 64 })
    play.join(0, stream)
    await play.advance(0, 12)
    const running = play.decode(0)
    await expectCode(() => play.pool.decode([0], ids(9)), 'runtime.failed', /an idle pool/)
    await expectCode(() => play.pool.prefill(1, ids(9), []), 'runtime.failed', /an idle pool/)
    await expectCode(() => play.pool.truncate(0, 0), 'runtime.failed', /an idle pool/)
    await expectCode(() => play.pool.copyOut(0), 'runtime.failed', /an idle pool/)
    await running
    await play.decode(0)
  })

  it.each([
    [{ slots: 0, capacityTokens: 8 }, 'request.invalid', /slots: .* found 0/],
    [{ slots: 1.5, capacityTokens: 8 }, 'request.invalid', /found 1.5/],
    [{ slots: 1, capacityTokens: 8, partTokens: 0 }, 'request.invalid', /part_tokens: .* found 0/],
    [{ slots: 1, capacityTokens: 513 }, 'prompt.too_long', /1 to 512 tokens, found 513/],
    [{ slots: 1, capacityTokens: 0 }, 'prompt.too_long', /found 0/],
  ] as const)('to be of a size like %j', async (size, code, detail) => {
    await expectCode(() => model.openPool(size), code, detail)
  })
})
