import { createSampler, type Gemma3VLModel } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import { describe, expect, it } from 'vitest'
import {
  CASES,
  expectedTensor,
  type GoldenCase,
  readCase,
  TOLERANCE,
  worstDifference,
  worstUnpadded,
} from './golden-case.ts'

/** The rows of a case without padding, each with the features of its own pictures. */
async function greedyIds(model: Gemma3VLModel, golden: GoldenCase, features: readonly Float32Array[], row: number) {
  const { tokens, inputIds, attentionMask, greedyIds } = golden
  const picturesOf = (from: number, to: number) =>
    inputIds.subarray(from, to).filter((id) => id === model.config.imageTokenId).length / model.config.tokensPerImage
  const start = row * tokens
  const before = picturesOf(0, start)
  const own = features.slice(before, before + picturesOf(start, start + tokens))
  const ids = inputIds.subarray(start, start + tokens).filter((_, index) => attentionMask[start + index] === 1)

  const count = greedyIds[row]?.length ?? 0
  const expectedLogits = expectedTensor(golden, `greedy_logits.${row}`)
  const vocabulary = model.config.text.vocabSize
  using sequence = model.startSequence({ capacityTokens: ids.length + count })
  const sampler = createSampler({ temperature: 0, topK: 0, topP: 1, seed: 0 })
  const out: number[] = []
  let worst = 0
  let logits = await sequence.prefill(ids, own)
  while (out.length < count) {
    const expected = expectedLogits.subarray(out.length * vocabulary, (out.length + 1) * vocabulary)
    worst = Math.max(worst, worstDifference(logits, expected))
    out.push(sampler.next(logits, out.length).id)
    if (out.length < count) logits = await sequence.decode(out[out.length - 1] ?? -1)
  }
  return { out, worst }
}

/** Everything the model computes, by the reference's names. */
async function computeAll(model: Gemma3VLModel, golden: GoldenCase): Promise<Map<string, Float32Array>> {
  const images = []
  for (const patches of golden.patches) images.push(await model.getImageStates(patches))
  const imageFeatures: Float32Array[] = images.map((image) => image.imageFeatures)
  const result = await model.forward({ ...golden, imageFeatures, hiddenStates: true, returnLogits: true })
  const joined = (parts: Float32Array[]) => Float32Array.from(parts.flatMap((part) => [...part]))
  return new Map<string, Float32Array>([
    ...(images.length === 0
      ? []
      : ([
          ['vision_last_hidden_state', joined(images.map(({ lastHiddenState }) => lastHiddenState))],
          ['image_features', joined(imageFeatures)],
        ] as const)),
    ...result.hiddenStates.map((state, i) => [`hidden_states.${i}`, state] as const),
    ['logits', result.logits],
    ['token_loss', result.tokenLoss ?? new Float32Array()],
  ])
}

describe.each(CASES)('%s', (name) => {
  it('agrees with Transformers on every tensor and every greedy token', async () => {
    const golden = await readCase(name)
    using model = await loadGemma3VL(golden.directory)
    const found = await computeAll(model, golden)

    const wanted = [...golden.expected.keys()].filter((tensor) => !tensor.startsWith('greedy_logits'))
    expect([...found.keys()].sort()).toEqual(wanted.sort())
    for (const [tensor, data] of found) {
      const isPadded = !/vision|image/.test(tensor)
      const expected = expectedTensor(golden, tensor)
      const worst = isPadded ? worstUnpadded(golden, data, expected) : worstDifference(data, expected)
      expect(worst, tensor).toBeLessThanOrEqual(tensor === 'token_loss' ? TOLERANCE.token_loss : TOLERANCE.default)
    }

    const features = splitFeatures(found.get('image_features') ?? new Float32Array(), golden.patches.length)
    for (let row = 0; row < golden.rows; row++) {
      const { out, worst } = await greedyIds(model, golden, features, row)
      expect(out, `row ${row}`).toEqual(golden.greedyIds[row])
      expect(worst, `greedy logits of row ${row}`).toBeLessThanOrEqual(TOLERANCE.default)
    }
  })
})

function splitFeatures(features: Float32Array, count: number): Float32Array[] {
  const size = features.length / count
  return Array.from({ length: count }, (_, n) => features.subarray(n * size, (n + 1) * size))
}
