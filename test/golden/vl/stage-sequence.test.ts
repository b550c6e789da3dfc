/** A conversation over the stages of a pipeline goes as over the unsplit model. */
import type { LayerSplit } from '@loupe/model'
import { loadGemma3VL, loadPipeline } from '@loupe/model/node'
import { describe, expect, it } from 'vitest'
import { expectedTensor, readCase, TOLERANCE, worstDifference } from './golden-case.ts'

describe('a sequence in stages', () => {
  it.each<LayerSplit>([
    { stages: 2 },
    { stages: 3, boundaries: [1, 6] },
    { stages: 7 },
    { stages: 3, virtualStages: 2 },
  ])('by %j gives at every token what the unsplit model gives', async (split) => {
    const golden = await readCase('image-first-long-text')
    using whole = await loadGemma3VL(golden.directory, { threads: 1 })
    using pipeline = await loadPipeline(golden.directory, { ...split, threads: 1 })
    using expected = whole.startSequence({ capacityTokens: golden.tokens })
    using found = pipeline.startSequence({ capacityTokens: golden.tokens })
    const prompt = golden.inputIds.subarray(0, 8) // bos, begin, four image tokens, end, one of text
    const features = [expectedTensor(golden, 'image_features')]
    const reference = expectedTensor(golden, 'logits')
    const vocabulary = whole.config.text.vocabSize

    let wanted = await expected.prefill(prompt, features)
    let logits = await found.prefill(prompt, features)
    for (let token = prompt.length; token < golden.tokens; token++) {
      expect(worstDifference(logits, wanted), `token ${token - 1}`).toBeLessThan(1e-5)
      const row = reference.subarray((token - 1) * vocabulary, token * vocabulary)
      expect(worstDifference(logits, row), `token ${token - 1}`).toBeLessThan(TOLERANCE.default)
      wanted = await expected.decode(golden.inputIds[token] ?? -1)
      logits = await found.decode(golden.inputIds[token] ?? -1)
    }
    expect(golden.tokens - prompt.length).toBeGreaterThan(2 * whole.config.text.slidingWindow)
  })

  it('takes a new picture into warm caches, and computes features on its first stage', async () => {
    const golden = await readCase('two-images')
    using pipeline = await loadPipeline(golden.directory, { stages: 3, threads: 1 })
    const [first = new Uint8Array(), second = new Uint8Array()] = golden.patches
    const firstEnd = 10 // bos, three of text, begin, four image tokens, end
    using sequence = pipeline.startSequence({ capacityTokens: 64 })
    await sequence.prefill(golden.inputIds.subarray(0, firstEnd), [await pipeline.getImageFeatures(first)])
    const rest = golden.inputIds.subarray(firstEnd)
    const logits = await sequence.prefill(rest, [await pipeline.getImageFeatures(second)])
    const last = expectedTensor(golden, 'logits').subarray(-pipeline.config.text.vocabSize)
    expect(worstDifference(logits, last)).toBeLessThan(TOLERANCE.default)
  })

  it('goes on where it was after a cancelled step', async () => {
    const { directory, inputIds } = await readCase('text-only')
    using pipeline = await loadPipeline(directory, { stages: 3, threads: 1 })
    using sequence = pipeline.startSequence({ capacityTokens: 64 })
    await sequence.prefill(inputIds.subarray(0, 4), [])
    const rest = inputIds.subarray(4, 12)
    const signal = AbortSignal.abort()
    await expect(sequence.prefill(rest, [], { signal })).rejects.toMatchObject({ code: 'request.cancelled' })
    expect(sequence.lengthTokens).toBe(4)
    const found = (await sequence.prefill(rest, [])).slice()
    using fresh = pipeline.startSequence({ capacityTokens: 64 })
    expect(worstDifference(await fresh.prefill(inputIds.subarray(0, 12), []), found)).toBeLessThan(1e-5)
  })

  it('is no longer than the model was trained for', async () => {
    const { directory } = await readCase('text-only')
    using pipeline = await loadPipeline(directory, { stages: 2, threads: 1 })
    expect(() => pipeline.startSequence({ capacityTokens: 513 })).toThrow(/1 to 512 tokens, found 513/)
  })
})
