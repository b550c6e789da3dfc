import type { Gemma3VLModel } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import { AppError, type ErrorCode } from '@loupe/shared/errors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CaseName, type GoldenCase, readCase, TOLERANCE, worstDifference } from './golden-case.ts'

/** A loaded case with one row, the features of its pictures, and the logits of a full forward over some ids. */
interface Loaded extends Disposable {
  readonly model: Gemma3VLModel
  readonly golden: GoldenCase
  readonly features: readonly Float32Array[]
  fullLogits(ids: Int32Array, features?: readonly Float32Array[]): Promise<(token: number) => Float32Array>
}

async function load(name: CaseName): Promise<Loaded> {
  const golden = await readCase(name)
  const model = await loadGemma3VL(golden.directory)
  const features: Float32Array[] = []
  for (const patches of golden.patches) features.push(await model.getImageFeatures(patches))
  return {
    model,
    golden,
    features,
    async fullLogits(inputIds, imageFeatures = features) {
      const { logits } = await model.forward({ rows: 1, inputIds, imageFeatures })
      const vocabulary = logits.length / inputIds.length
      return (token) => logits.subarray(token * vocabulary, (token + 1) * vocabulary)
    },
    [Symbol.dispose]: () => model[Symbol.dispose](),
  }
}

async function expectCode(work: Promise<unknown>, code: ErrorCode, detail: RegExp): Promise<void> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(AppError.isInstance(error) ? error.code : error).toBe(code)
  expect(String(error)).toMatch(detail)
}

describe('a sequence of image and text, twice as long as the window and more', () => {
  let loaded: Loaded
  beforeAll(async () => {
    loaded = await load('image-first-long-text')
  })
  afterAll(() => loaded[Symbol.dispose]())

  it('gives at every decoded token what a full forward gives', async () => {
    const { model, golden, features, fullLogits } = loaded
    const expected = await fullLogits(golden.inputIds)
    const prompt = 8 // bos, begin, four image tokens, end, one of text
    using sequence = model.startSequence({ capacityTokens: golden.tokens })
    let logits = await sequence.prefill(golden.inputIds.subarray(0, prompt), features)
    for (let token = prompt; token < golden.tokens; token++) {
      expect(worstDifference(logits, expected(token - 1)), `token ${token - 1}`).toBeLessThan(TOLERANCE.default)
      logits = await sequence.decode(golden.inputIds[token] ?? -1)
    }
    expect(worstDifference(logits, expected(golden.tokens - 1))).toBeLessThan(TOLERANCE.default)
    expect(golden.tokens - prompt).toBeGreaterThan(2 * model.config.text.slidingWindow)
    expect(sequence.lengthTokens).toBe(golden.tokens)
  })

  it.each([[[2, 6]], [[1, 7, 20]], [[2, 40, 41]]])('gives the same when it is fed in parts cut at %j', async (cuts) => {
    const { model, golden, features, fullLogits } = loaded
    const expected = await fullLogits(golden.inputIds)
    using sequence = model.startSequence({ capacityTokens: golden.tokens })
    const edges = [0, ...cuts, golden.tokens]
    for (const [index, from] of edges.slice(0, -1).entries()) {
      const part = golden.inputIds.subarray(from, edges[index + 1])
      const own = part.includes(model.config.imageTokenId) ? features : []
      const logits = await sequence.prefill(part, own)
      expect(worstDifference(logits, expected(sequence.lengthTokens - 1))).toBeLessThan(TOLERANCE.default)
    }
  })

  it('goes on where it was after a cancelled step', async () => {
    const { model, golden, features, fullLogits } = loaded
    const expected = await fullLogits(golden.inputIds)
    using sequence = model.startSequence({ capacityTokens: golden.tokens })
    await sequence.prefill(golden.inputIds.subarray(0, 10), features)
    const rest = golden.inputIds.subarray(10)
    await expectCode(sequence.prefill(rest, [], { signal: AbortSignal.abort() }), 'request.cancelled', /./)
    expect(sequence.lengthTokens).toBe(10)
    const logits = await sequence.prefill(rest, [])
    expect(worstDifference(logits, expected(golden.tokens - 1))).toBeLessThan(TOLERANCE.default)
  })

  it('says what each token sees', () => {
    const { model, golden } = loaded
    const { tokens, local, global } = model.computeAttentionMask(golden.inputIds)
    const seenBy = (grid: Uint8Array, q: number) => [...grid.subarray(q * tokens, (q + 1) * tokens).entries()]
    const keys = (grid: Uint8Array, q: number) => seenBy(grid, q).flatMap(([k, seen]) => (seen ? [k] : []))
    expect(tokens).toBe(golden.tokens)
    expect(keys(global, 2)).toEqual([0, 1, 2, 3, 4, 5]) // the first image token sees to the last
    expect(keys(local, 30)).toEqual(Array.from({ length: 12 }, (_, i) => 19 + i))
  })

  it('refuses to take an image apart', async () => {
    const { model, golden, features } = loaded
    using sequence = model.startSequence({ capacityTokens: golden.tokens })
    const cut = golden.inputIds.subarray(0, 4)
    await expectCode(sequence.prefill(cut, features), 'image.count_mismatch', /whole images of 4 tokens .* run of 2/)
    await sequence.prefill(golden.inputIds.subarray(0, 6), features)
    const more = Int32Array.of(...golden.inputIds.subarray(2, 6), 9)
    await expectCode(sequence.prefill(more, features), 'image.count_mismatch', /cut in two/)
    expect(sequence.lengthTokens).toBe(6)
  })

  it('refuses what does not fit', async () => {
    const { model, golden, features } = loaded
    const { inputIds } = golden
    using sequence = model.startSequence({ capacityTokens: 8 })
    await expectCode(
      sequence.prefill(inputIds.subarray(0, 9), features),
      'prompt.too_long',
      /at most 8 tokens, found 9/,
    )
    await expectCode(sequence.prefill(inputIds.subarray(0, 8), []), 'image.count_mismatch', /1 images .* features of 0/)
    const short = [new Float32Array(3)]
    await expectCode(sequence.prefill(inputIds.subarray(0, 8), short), 'tensor.invalid', /4 × 48 numbers, found 3/)
    await expectCode(sequence.decode(320), 'prompt.invalid_token', /below 320, found 320/)
    await expectCode(sequence.decode(-1), 'prompt.invalid_token', /found -1/)
    await expectCode(sequence.decode(model.config.imageTokenId), 'image.count_mismatch', /run of 1/)
    await expectCode(sequence.prefill(new Int32Array(), []), 'prompt.invalid', /at least one token/)
    expect(() => model.startSequence({ capacityTokens: 513 })).toThrow(/1 to 512 tokens, found 513/)
    await expectCode(model.getImageFeatures(new Uint8Array(5)), 'tensor.invalid', /16 × 588 bytes, found 5/)
    expect(sequence.lengthTokens).toBe(0)
  })
})

describe('two images', () => {
  it('lets a new image into a warm cache', async () => {
    using loaded = await load('two-images')
    const { model, golden, features, fullLogits } = loaded
    const expected = await fullLogits(golden.inputIds)
    const [first = new Float32Array(), second = new Float32Array()] = features
    const firstEnd = 10 // bos, three of text, begin, four image tokens, end
    using sequence = model.startSequence({ capacityTokens: 64 })
    await sequence.prefill(golden.inputIds.subarray(0, firstEnd), [first])
    const logits = await sequence.prefill(golden.inputIds.subarray(firstEnd), [second])
    expect(worstDifference(logits, expected(golden.tokens - 1))).toBeLessThan(TOLERANCE.default)
  })
})

describe('a prompt that is too long for one run', () => {
  it('gives what a full forward gives', async () => {
    using loaded = await load('real-geometry')
    const { model, golden, features, fullLogits } = loaded
    // 271 tokens with an image, four times: the runs end between the images and not at 512.
    const ids = Int32Array.from({ length: 4 * golden.tokens }, (_, i) => golden.inputIds[i % golden.tokens] ?? -1)
    const pictures = Array.from({ length: 4 }, () => features[0] ?? new Float32Array())
    const expected = await fullLogits(ids, pictures)
    using sequence = model.startSequence({ capacityTokens: ids.length })
    const logits = await sequence.prefill(ids, pictures)
    expect(worstDifference(logits, expected(ids.length - 1))).toBeLessThan(TOLERANCE.default)
  })
})

describe('a batch with left padding', () => {
  it('gives each row what the row gives alone', async () => {
    using loaded = await load('batch-left-pad')
    const { model, golden, features, fullLogits } = loaded
    const { logits } = await model.forward({ ...golden, imageFeatures: features, returnLogits: true })
    const vocabulary = model.config.text.vocabSize
    const pictures = [features.slice(0, 1), [], features.slice(1)]
    for (let row = 0; row < golden.rows; row++) {
      const start = row * golden.tokens
      const real = golden.attentionMask.subarray(start, start + golden.tokens)
      const padding = real.indexOf(1)
      const alone = await fullLogits(golden.inputIds.subarray(start + padding, start + golden.tokens), pictures[row])
      for (let token = padding; token < golden.tokens; token++) {
        const from = (start + token) * vocabulary
        const together = logits.subarray(from, from + vocabulary)
        expect(worstDifference(together, alone(token - padding)), `row ${row}, token ${token}`).toBeLessThan(2e-5)
      }
    }
    expect(logits.every(Number.isFinite)).toBe(true)
  })

  it('does not let a row borrow image tokens from the next', async () => {
    using loaded = await load('batch-left-pad')
    const { model, features } = loaded
    const inputIds = Int32Array.of(2, 310, 310, 310, 310, 5) // cut in two rows, each with half an image
    const work = model.forward({ rows: 2, inputIds, imageFeatures: features.slice(0, 1) })
    await expectCode(work, 'image.count_mismatch', /before token 3, found a run of 2/)
  })
})
