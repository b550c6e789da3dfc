/** What `forward` takes besides ids and features, and how it keeps to its memory. */
import type { ForwardRequest, Gemma3VLModel } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import { AppError, type ErrorCode } from '@loupe/shared/errors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type CaseName,
  expectedTensor,
  type GoldenCase,
  readCase,
  TOLERANCE,
  worstDifference,
  worstUnpadded,
} from './golden-case.ts'

interface Loaded extends Disposable {
  readonly golden: GoldenCase
  readonly model: Gemma3VLModel
  readonly features: readonly Float32Array[]
  /** Ids, mask and features of the case, without labels. */
  readonly plain: ForwardRequest & { readonly rows: number; readonly inputIds: Int32Array }
}

async function load(name: CaseName): Promise<Loaded> {
  const golden = await readCase(name)
  const model = await loadGemma3VL(golden.directory, { threads: 1 })
  const all = golden.patches.length === 0 ? new Float32Array() : expectedTensor(golden, 'image_features')
  const size = all.length / Math.max(1, golden.patches.length)
  const features = golden.patches.map((_, n) => all.subarray(n * size, (n + 1) * size))
  const { rows, inputIds, attentionMask } = golden
  const plain = { rows, inputIds, attentionMask, imageFeatures: features }
  return { golden, model, features, plain, [Symbol.dispose]: () => model[Symbol.dispose]() }
}

async function expectRefusal(work: Promise<unknown>, code: ErrorCode, detail: RegExp): Promise<void> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(AppError.isInstance(error) ? error.code : error).toBe(code)
  expect(String(error)).toMatch(detail)
}

describe.each<CaseName>(['batch-left-pad', 'two-images', 'image-first-long-text'])('%s', (name) => {
  it.each([1, 5, 13])('gives in parts of at most %d tokens what it gives at once', async (partTokens) => {
    using loaded = await load(name)
    const { golden, model, plain } = loaded
    const { labels, lossMask } = golden
    const request = { ...plain, labels, lossMask, returnLogits: true, hiddenStates: true, partTokens }
    const { logits, tokenLoss = new Float32Array(), hiddenStates } = await model.forward(request)
    expect(worstUnpadded(golden, logits, expectedTensor(golden, 'logits'))).toBeLessThan(TOLERANCE.default)
    const loss = worstUnpadded(golden, tokenLoss, expectedTensor(golden, 'token_loss'))
    expect(loss).toBeLessThan(TOLERANCE.token_loss)
    for (const [i, state] of hiddenStates.entries()) {
      const worst = worstUnpadded(golden, state, expectedTensor(golden, `hidden_states.${i}`))
      expect(worst, `hidden_states.${i}`).toBeLessThan(TOLERANCE.default)
    }
  })
})

describe('forward', () => {
  let loaded: Loaded
  beforeAll(async () => {
    loaded = await load('batch-left-pad')
  })
  afterAll(() => loaded[Symbol.dispose]())

  it.each([undefined, 7])('gives the loss alone when labels are given, in parts of %j tokens', async (partTokens) => {
    const { golden, model, plain } = loaded
    const { labels, lossMask } = golden
    const parts = partTokens === undefined ? {} : { partTokens }
    const { logits, tokenLoss = new Float32Array() } = await model.forward({ ...plain, labels, lossMask, ...parts })
    expect(logits).toHaveLength(0)
    const worst = worstUnpadded(golden, tokenLoss, expectedTensor(golden, 'token_loss'))
    expect(worst).toBeLessThan(TOLERANCE.token_loss)
  })

  it('gives no loss where no label asks for one, in a part or anywhere', async () => {
    const { golden, model, plain } = loaded
    const none = golden.labels.map(() => -100)
    expect((await model.forward({ ...plain, labels: none })).tokenLoss).toEqual(new Float32Array(none.length))
    const last = none.with(-1, 5)
    const { tokenLoss = new Float32Array() } = await model.forward({ ...plain, labels: last, partTokens: 4 })
    expect([...tokenLoss.subarray(0, -1)].every((loss) => loss === 0)).toBe(true)
    expect(tokenLoss.at(-1)).toBeGreaterThan(0)
  })

  it('takes one row where the number of rows is left out', async () => {
    const { model } = loaded
    const inputIds = Int32Array.of(2, 5, 6, 7)
    const one = await model.forward({ inputIds })
    expect(await model.forward({ inputIds, rows: 1 })).toEqual(one)
  })

  it('turns by the positions that are given', async () => {
    const { model } = loaded
    const inputIds = Int32Array.of(2, 5, 6, 7, 8)
    const { logits } = await model.forward({ inputIds })
    const moved = async (positionIds: number[]) => (await model.forward({ inputIds, positionIds })).logits
    expect(await moved([0, 1, 2, 3, 4])).toEqual(logits)
    // Only distances count.
    expect(worstDifference(await moved([90, 91, 92, 93, 94]), logits)).toBeLessThan(TOLERANCE.default)
    expect(worstDifference(await moved([0, 1, 2, 3, 40]), logits)).toBeGreaterThan(10 * TOLERANCE.default)
  })

  it('refuses what does not fit', async () => {
    const { golden, model, plain } = loaded
    const { rows, tokens, inputIds, labels } = golden
    const count = rows * tokens
    const bad = (change: Partial<ForwardRequest>, detail: RegExp, code: ErrorCode = 'tensor.invalid') =>
      expectRefusal(model.forward({ ...plain, ...change }), code, detail)
    await bad({ rows: 0 }, /input_ids: expected 0 rows/)
    await bad({ rows: 1.5 }, /input_ids: expected 1.5 rows/)
    await bad({ inputIds: inputIds.subarray(1) }, /rows of equal length, found \d+ tokens/)
    await bad({ attentionMask: [1] }, /attention_mask: expected \d+ numbers, found 1\./)
    await bad({ labels: [1] }, /labels: expected \d+ numbers, found 1\./)
    await bad({ lossMask: [1] }, /loss_mask: expected/)
    await bad({ positionIds: [1] }, /position_ids: expected/)
    const positions = (last: number) => new Array<number>(count).fill(0).with(-1, last)
    for (const place of [-1, 0.5, 512, Number.NaN]) {
      await bad(
        { positionIds: positions(place) },
        new RegExp(`a place below 512 for token ${count - 1}, found ${place}`),
      )
    }
    for (const label of [320, -1, -101]) {
      await bad({ labels: labels.with(3, label) }, new RegExp(`-100 or an id below 320 for token 3, found ${label}\\.`))
    }
    await bad({ partTokens: 0 }, /part_tokens: expected a whole number of at least 1, found 0\./)
    await bad({ imageFeatures: [] }, /found features of 0/, 'image.count_mismatch')
  })
})
