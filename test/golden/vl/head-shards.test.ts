/** A head that is split over the vocabulary gives what the whole one gives. */
import { type ForwardRequest, Pipeline, splitModel } from '@loupe/model'
import { loadGemma3VL, loadPipeline } from '@loupe/model/node'
import { describe, expect, it } from 'vitest'
import { expectedTensor, type GoldenCase, readCase, TOLERANCE, worstDifference, worstUnpadded } from './golden-case.ts'

async function batch(): Promise<{ golden: GoldenCase; request: ForwardRequest }> {
  const golden = await readCase('batch-left-pad')
  const pixelValues = Uint8Array.from(golden.patches.flatMap((picture) => [...picture]))
  const { rows, inputIds, attentionMask } = golden
  return { golden, request: { rows, inputIds, attentionMask, pixelValues } }
}

describe('a head in shards', () => {
  it.each([
    { stages: 1, headShards: 2 },
    { stages: 2, headShards: 3 },
    { stages: 2, virtualStages: 2, headShards: 7 },
  ])('by %j gives the logits, the loss and the states of the reference', async (split) => {
    const { golden, request } = await batch()
    const { labels, lossMask } = golden
    using pipeline = await loadPipeline(golden.directory, { ...split, threads: 1 })
    const asked = { ...request, labels, lossMask, returnLogits: true, hiddenStates: true }
    const { logits, logitShards, tokenLoss = new Float32Array(), hiddenStates } = await pipeline.forward(asked)
    expect(logitShards).toEqual([])
    expect(worstUnpadded(golden, logits, expectedTensor(golden, 'logits'))).toBeLessThan(TOLERANCE.default)
    const loss = worstUnpadded(golden, tokenLoss, expectedTensor(golden, 'token_loss'))
    expect(loss).toBeLessThan(TOLERANCE.token_loss)
    expect(hiddenStates).toHaveLength(8)
    for (const [i, state] of hiddenStates.entries()) {
      const worst = worstUnpadded(golden, state, expectedTensor(golden, `hidden_states.${i}`))
      expect(worst, `hidden_states.${i}`).toBeLessThan(TOLERANCE.default)
    }
    const half = Float32Array.from(lossMask, (factor) => factor / 2)
    const alone = await pipeline.forward({ ...request, labels, lossMask: half, partTokens: 11 })
    expect(alone.logits).toHaveLength(0)
    const halves = tokenLoss.map((value) => value / 2)
    expect(worstUnpadded(golden, alone.tokenLoss ?? new Float32Array(), halves)).toBeLessThan(1e-5)
  })

  it('are gathered unless the caller says not to', async () => {
    const { golden, request } = await batch()
    using pipeline = await loadPipeline(golden.directory, { headShards: 3, threads: 1 })
    const { logits } = await pipeline.forward({ ...request, runtimeGatherOutput: true })
    const apart = await pipeline.forward({ ...request, runtimeGatherOutput: false })
    const count = golden.rows * golden.tokens
    expect(apart.logits).toHaveLength(0)
    expect(apart.logitShards.map((shard) => shard.length / count)).toEqual([107, 107, 106])
    const rebuilt = Array.from({ length: count }, (_, token) =>
      apart.logitShards.flatMap((shard) => {
        const width = shard.length / count
        return [...shard.subarray(token * width, (token + 1) * width)]
      }),
    )
    expect(worstUnpadded(golden, Float32Array.from(rebuilt.flat()), logits)).toBe(0)
    // A whole head is one shard.
    using whole = await loadGemma3VL(golden.directory, { threads: 1 })
    const same = await whole.forward({ ...request, runtimeGatherOutput: false })
    expect(worstUnpadded(golden, same.logits, logits)).toBeLessThan(1e-5)
  })

  it('score every token of a conversation', async () => {
    const golden = await readCase('text-only')
    using pipeline = await loadPipeline(golden.directory, { stages: 2, headShards: 3, threads: 1 })
    using sequence = pipeline.startSequence({ capacityTokens: golden.tokens })
    const vocabulary = pipeline.config.text.vocabSize
    let logits = await sequence.prefill(golden.inputIds.subarray(0, 3), [])
    for (let token = 3; token < golden.tokens; token++) {
      const expected = expectedTensor(golden, 'logits').subarray((token - 1) * vocabulary, token * vocabulary)
      expect(worstDifference(logits, expected), `token ${token - 1}`).toBeLessThan(TOLERANCE.default)
      logits = await sequence.decode(golden.inputIds[token] ?? -1)
    }
  })

  it('must be all there, in order', async () => {
    const golden = await readCase('text-only')
    const stages = splitModel({ layers: 7, vocabSize: 320 }, { headShards: 2 })
    const models = await Promise.all(stages.map((stage) => loadGemma3VL(golden.directory, { stage, threads: 1 })))
    const [layers, first, second] = models
    if (layers === undefined || first === undefined || second === undefined) expect.fail('expected three')
    using pipeline = new Pipeline([layers, first, second])
    expect(pipeline.stages).toHaveLength(3)
    for (const wrong of [[layers], [layers, first], [layers, second], [layers, second, first], [first, second]]) {
      expect(() => new Pipeline(wrong)).toThrow(expect.objectContaining({ code: 'request.invalid' }))
    }
  })
})

describe('splitModel', () => {
  const MODEL = { layers: 4, vocabSize: 10 }

  it('leaves the head with the last layer unless told otherwise', () => {
    expect(splitModel(MODEL, { stages: 2 }).map(({ postProcess }) => postProcess)).toEqual([false, true])
  })

  it('gives every row of the head to one shard', () => {
    const stages = splitModel(MODEL, { stages: 2, headShards: 3 })
    expect(stages.map(({ vocabulary }) => vocabulary).slice(2)).toEqual([
      { firstId: 0, endId: 4 },
      { firstId: 4, endId: 7 },
      { firstId: 7, endId: 10 },
    ])
    expect(stages.map(({ postProcess }) => postProcess)).toEqual([false, false, true, true, true])
  })

  it.each([0, 11, 1.5])('refuses %d shards', (headShards) => {
    expect(() => splitModel(MODEL, { headShards })).toThrow(/Expected 1 to 10 shards of the head, found/)
  })
})
