/** Conversations longer than the window, with new pictures on a warm cache, against one forward pass over all of them. */
import type { Gemma3VLModel } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import { describe, expect, it } from 'vitest'
import { CASES, type CaseName, caseDirectory, TOLERANCE, worstDifference } from './golden-case.ts'
import { numbers } from './token-stream.ts'

/** Ids of ordinary text in all golden vocabularies. */
const [FIRST_TEXT, LAST_TEXT] = [6, 299]

/** Some ids and the features of the pictures among them. */
interface Part {
  readonly ids: readonly number[]
  readonly features: readonly Float32Array[]
}

/** Makes ids of text, and pictures of noise. */
function partsOf(model: Gemma3VLModel, seed: number) {
  const next = numbers(seed)
  const { vision, tokensPerImage, boiTokenId, imageTokenId, eoiTokenId } = model.config
  if (vision === undefined) throw new Error('expected a model with eyes')
  const bytes = vision.imageSize ** 2 * vision.channels
  const text = (count: number) => Array.from({ length: count }, () => FIRST_TEXT + next(LAST_TEXT - FIRST_TEXT))
  const image = [boiTokenId, ...new Array<number>(tokensPerImage).fill(imageTokenId), eoiTokenId]
  return {
    text,
    /** Text, a picture that nobody has seen before, text. */
    async turn(before: number, after: number): Promise<Part> {
      const patches = Uint8Array.from({ length: bytes }, () => next(256))
      return { ids: [...text(before), ...image, ...text(after)], features: [await model.getImageFeatures(patches)] }
    },
  }
}

/** Logits of each token, from one run over all of them on an empty cache. */
async function inOneRun(model: Gemma3VLModel, parts: readonly Part[]): Promise<(token: number) => Float32Array> {
  const inputIds = Int32Array.from(parts.flatMap(({ ids }) => ids))
  const imageFeatures = parts.flatMap(({ features }) => features)
  const { logits } = await model.forward({ inputIds, imageFeatures, partTokens: inputIds.length })
  const { vocabSize } = model.config.text
  return (token) => logits.subarray(token * vocabSize, (token + 1) * vocabSize)
}

/** How often a picture is shown; what is decoded after each is longer than the window. */
const ROUNDS: Partial<Record<CaseName, number>> = { 'real-geometry': 2 }

describe.each(CASES)('a conversation with the model of %s', (name) => {
  it('gives after every turn and every decoded token what one forward pass gives', async () => {
    using model = await loadGemma3VL(caseDirectory(name), { threads: 1 })
    const { slidingWindow } = model.config.text
    const make = partsOf(model, 20261124)
    const parts: Part[] = [{ ids: [model.config.bosTokenId], features: [] }]
    for (let round = 0; round < (ROUNDS[name] ?? 4); round++) {
      // The second picture stands right at the start of its turn.
      parts.push(await make.turn(round === 1 ? 0 : 3, 2))
      for (const id of make.text(slidingWindow + 5)) parts.push({ ids: [id], features: [] })
    }
    const tokens = parts.reduce((sum, { ids }) => sum + ids.length, 0)
    expect(tokens).toBeGreaterThan(3 * slidingWindow)

    const expected = await inOneRun(model, parts)
    using sequence = model.startSequence({ capacityTokens: tokens })
    for (const { ids, features } of parts) {
      const logits = await sequence.prefill(Int32Array.from(ids), features)
      const token = sequence.lengthTokens - 1
      expect(worstDifference(logits, expected(token)), `token ${token}`).toBeLessThan(TOLERANCE.default)
    }
  })
})

describe('a prompt of several pictures that is too long for one run', () => {
  it('gives what one run gives, with each picture in its place', async () => {
    using model = await loadGemma3VL(caseDirectory('real-geometry'), { threads: 1 })
    const make = partsOf(model, 7)
    const parts = [await make.turn(2, 3), await make.turn(1, 0), await make.turn(0, 4)]
    const expected = await inOneRun(model, parts)
    const ids = Int32Array.from(parts.flatMap((part) => part.ids))
    using sequence = model.startSequence({ capacityTokens: ids.length })
    const logits = await sequence.prefill(
      ids,
      parts.flatMap(({ features }) => features),
    )
    expect(worstDifference(logits, expected(ids.length - 1))).toBeLessThan(TOLERANCE.default)
  })
})

describe('tokens that are masked out in the middle of a row', () => {
  it('are not seen and count for no position', async () => {
    using model = await loadGemma3VL(caseDirectory('one-image'), { threads: 1 })
    const { ids, features } = await partsOf(model, 3).turn(1, 2)
    const expected = await inOneRun(model, [{ ids, features }])
    // Behind the first token and before the last one. All stays inside of one window, which counts slots.
    const inputIds = Int32Array.from([ids[0] ?? 0, 9, 9, ...ids.slice(1, -1), 9, ...ids.slice(-1)])
    const attentionMask = inputIds.map((id) => (id === 9 ? 0 : 1))
    expect(ids).not.toContain(9)
    expect(inputIds.length).toBeLessThanOrEqual(model.config.text.slidingWindow)
    const { logits } = await model.forward({ inputIds, attentionMask, imageFeatures: features })
    const { vocabSize } = model.config.text
    const kept = [...attentionMask.entries()].flatMap(([token, isReal]) => (isReal ? [token] : []))
    for (const [place, token] of kept.entries()) {
      const found = logits.subarray(token * vocabSize, (token + 1) * vocabSize)
      expect(worstDifference(found, expected(place)), `token ${token}`).toBeLessThan(2e-5)
    }
  })
})
