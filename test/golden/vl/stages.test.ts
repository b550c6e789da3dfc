/** A model in stages gives what the reference and the unsplit model give. */
import { type ForwardResult, type LayerSplit, Pipeline, splitLayers } from '@loupe/model'
import { loadGemma3VL, loadPipeline } from '@loupe/model/node'
import { describe, expect, it } from 'vitest'
import { CASES, expectedTensor, type GoldenCase, readCase, TOLERANCE, worstUnpadded } from './golden-case.ts'

/** Features of each picture, of the reference: this is about the language model. */
function imageFeatures(golden: GoldenCase): Float32Array[] {
  const count = golden.patches.length
  if (count === 0) return []
  const all = expectedTensor(golden, 'image_features')
  const size = all.length / count
  return Array.from({ length: count }, (_, n) => all.subarray(n * size, (n + 1) * size))
}

const requestOf = (golden: GoldenCase) => ({
  ...golden,
  imageFeatures: imageFeatures(golden),
  hiddenStates: true,
  returnLogits: true,
})

async function inStages(golden: GoldenCase, split: LayerSplit): Promise<ForwardResult> {
  using pipeline = await loadPipeline(golden.directory, { ...split, threads: 1 })
  return await pipeline.forward(requestOf(golden))
}

function named({ logits, tokenLoss, hiddenStates }: ForwardResult): Map<string, Float32Array> {
  const states = hiddenStates.map((state, i) => [`hidden_states.${i}`, state] as const)
  return new Map<string, Float32Array>([...states, ['logits', logits], ['token_loss', tokenLoss ?? new Float32Array()]])
}

function expectGolden(golden: GoldenCase, result: ForwardResult): void {
  const found = named(result)
  const wanted = [...golden.expected.keys()].filter((name) => /^(hidden_states\.|logits$|token_loss$)/.test(name))
  expect([...found.keys()].sort()).toEqual(wanted.sort())
  for (const [name, data] of found) {
    const limit = name === 'token_loss' ? TOLERANCE.token_loss : TOLERANCE.default
    expect(worstUnpadded(golden, data, expectedTensor(golden, name)), name).toBeLessThanOrEqual(limit)
  }
}

describe.each(CASES)('%s', (name) => {
  it.each([2, 3])('agrees with Transformers in %d stages', async (stages) => {
    const golden = await readCase(name)
    expectGolden(golden, await inStages(golden, { stages }))
  })
})

describe('a batch with left padding and pictures', () => {
  it.each<LayerSplit>([
    ...[1, 2, 3, 4, 5, 6, 7].map((stages) => ({ stages })),
    ...[1, 2, 3, 4, 5, 6].map((cut) => ({ stages: 2, boundaries: [cut] })),
    { stages: 3, virtualStages: 2 },
  ])('is the same whole and by %j', async (split) => {
    const golden = await readCase('batch-left-pad')
    using whole = await loadGemma3VL(golden.directory, { threads: 1 })
    const [expected, found] = [named(await whole.forward(requestOf(golden))), await inStages(golden, split)]
    expectGolden(golden, found)
    for (const [name, data] of named(found)) {
      expect(worstUnpadded(golden, data, expected.get(name) ?? new Float32Array()), name).toBeLessThan(1e-5)
    }
  })

  it('needs its pictures on later stages too, for the mask', async () => {
    const golden = await readCase('one-image')
    using pipeline = await loadPipeline(golden.directory, { stages: 2, threads: 1 })
    const [first, last] = pipeline.stages
    if (first === undefined || last === undefined) expect.fail('expected two stages')
    const { hidden } = await first.forward(requestOf(golden))
    const worst = async (inputIds: Int32Array) => {
      last.setInputTensor(hidden)
      const { logits } = await last.forward({ rows: 1, inputIds })
      return worstUnpadded(golden, logits, expectedTensor(golden, 'logits'))
    }
    expect(await worst(golden.inputIds)).toBeLessThan(TOLERANCE.default)
    expect(await worst(golden.inputIds.map((id) => (id === 310 ? 7 : id)))).toBeGreaterThan(10 * TOLERANCE.default)
  })
})

describe('the stages of a pipeline', () => {
  it('are on the devices that are given, the virtual ones of a device together', async () => {
    const golden = await readCase('text-only')
    const split = { stages: 2, virtualStages: 2, devices: [{ threads: 1 }, { threads: 2 }] }
    using pipeline = await loadPipeline(golden.directory, split)
    const runtimes = pipeline.stages.map(({ languageModel }) => languageModel.runtime)
    expect(new Set(runtimes).size).toBe(2)
    expect([runtimes[2], runtimes[3]]).toEqual([runtimes[0], runtimes[1]])
    expectGolden(golden, await pipeline.forward(requestOf(golden)))
  })

  it('need as many devices', async () => {
    const { directory } = await readCase('text-only')
    const load = loadPipeline(directory, { stages: 3, devices: [{ threads: 1 }, { threads: 1 }] })
    await expect(load).rejects.toMatchObject({ code: 'request.invalid', detail: /Expected 3 devices or more/ })
  })
})

describe('a stage', () => {
  const load = async (index: 0 | 1) => {
    const golden = await readCase('one-image')
    const stage = splitLayers(7, { stages: 2 })[index] ?? expect.fail('no such stage')
    return { golden, model: await loadGemma3VL(golden.directory, { stage, threads: 1 }) }
  }

  it('refuses hidden states that do not fit the ids, or none', async () => {
    const { golden, model: last } = await load(1)
    using _ = last
    const code = 'tensor.invalid'
    const tokens = golden.tokens
    await expect(last.forward(golden)).rejects.toMatchObject({ code, message: /found none/ })
    for (const size of [tokens * 48 - 1, (tokens + 1) * 48, 0]) {
      last.setInputTensor(new Float32Array(size))
      const message = `hidden states: expected [1, ${tokens}, 48], found ${size} numbers.`
      await expect(last.forward(golden)).rejects.toMatchObject({ code, detail: message })
    }
  })

  it('uses hidden states up', async () => {
    const { golden, model: last } = await load(1)
    using _ = last
    last.setInputTensor(new Float32Array(golden.tokens * 48))
    expect((await last.forward({ ...golden, returnLogits: true })).logits).toHaveLength(golden.tokens * 320)
    await expect(last.forward(golden)).rejects.toMatchObject({ code: 'tensor.invalid' })
  })

  it('that is not the first has no tower, and no stage takes a sequence', async () => {
    const { golden, model: last } = await load(1)
    using _ = last
    const code = 'request.unsupported'
    expect(last.visionTower).toBeUndefined()
    const pixels = golden.patches[0] ?? new Uint8Array()
    await expect(last.getImageFeatures(pixels)).rejects.toMatchObject({ code, detail: /Only the first stage/ })
    expect(() => last.startSequence({ capacityTokens: 9 })).toThrow(expect.objectContaining({ code }))
  })

  it('that is the first embeds tokens itself, and gives no logits', async () => {
    const { golden, model: first } = await load(0)
    using _ = first
    const code = 'tensor.invalid'
    expect(() => first.setInputTensor(new Float32Array(48))).toThrow(expect.objectContaining({ code }))
    const { logits, hidden, tokenLoss, hiddenStates } = await first.forward(requestOf(golden))
    expect([logits.length, hidden.length, tokenLoss]).toEqual([0, golden.tokens * 48, undefined])
    expect(hiddenStates).toHaveLength(4)
    expect(() => first.startSequence({ capacityTokens: 9 })).toThrow(/a stage of one/)
  })

  it('chains with all the others in order, or not at all', async () => {
    const { model: first } = await load(0)
    const { model: last } = await load(1)
    using pipeline = new Pipeline([first, last])
    expect(pipeline.stages).toEqual([first, last])
    for (const wrong of [[], [first], [last], [last, first], [first, first, last], [first, last, last]]) {
      expect(() => new Pipeline(wrong)).toThrow(expect.objectContaining({ code: 'request.invalid' }))
    }
  })
})
