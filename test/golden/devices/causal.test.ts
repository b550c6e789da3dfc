/** The graphs of devices, run by a CPU where it has the operators: they compute what the reference does. */
import { OrtRuntime } from '@loupe/model/runtime'
import { describe, expect, it } from 'vitest'
import { CASES, readCase, TOLERANCE, worstDifference } from '../vl/golden-case.ts'
import { compute, modelWith, openCheckpoint, worstOf } from './device-model.ts'
import { CPU_POLICY, type DTypePolicy } from './model-internals.ts'

/** An operator that knows causality and the window, and a masked one beside it. */
const CAUSAL: DTypePolicy = { ...CPU_POLICY, attention: 'causal' }

describe.each(CASES)('%s', (name) => {
  it.each<[string, DTypePolicy]>([
    ['attends causally where that is the mask', CAUSAL],
    ['is given its angles', { ...CAUSAL, angles: 'given' }],
    // In the first step a CPU reads one position of each batch and counts on; with padding it has to have all of them.
    ...(name === 'batch-left-pad'
      ? []
      : [['turns heads as it attends', { ...CAUSAL, fuses: 'rotary' }] as [string, DTypePolicy]]),
  ])('%s', async (_, policy) => {
    const golden = await readCase(name)
    using model = modelWith(await openCheckpoint(golden.directory), new OrtRuntime(), policy)
    expect(worstOf(golden, await compute(model, golden))).toBeLessThanOrEqual(TOLERANCE.default)
  })
})

describe('a sequence', () => {
  it.each(['text-only', 'image-first-long-text'] as const)(
    'of %s goes on token by token, past the window',
    async (name) => {
      const golden = await readCase(name)
      using model = modelWith(await openCheckpoint(golden.directory), new OrtRuntime(), CAUSAL)
      const images = []
      for (const patches of golden.patches) images.push(await model.getImageFeatures(patches))
      const [expected = []] = golden.greedyIds
      using sequence = model.startSequence({ capacityTokens: golden.tokens + expected.length })
      const found: number[] = []
      let logits = await sequence.prefill(golden.inputIds.subarray(0, golden.tokens), images)
      while (found.length < expected.length) {
        found.push(logits.indexOf(Math.max(...logits)))
        if (found.length < expected.length) logits = await sequence.decode(found.at(-1) ?? -1)
      }
      expect(found).toEqual(expected)
    },
  )
})

describe('rows of text with padding', () => {
  it('give what each gives alone', async () => {
    const { directory, inputIds } = await readCase('text-only')
    using model = modelWith(await openCheckpoint(directory), new OrtRuntime(), CAUSAL)
    const [long, short] = [inputIds.subarray(0, 20), inputIds.subarray(20, 33)]
    const padding = new Int32Array(long.length - short.length)
    const batch = Int32Array.from([...long, ...padding, ...short])
    const attentionMask = Int32Array.from(batch, (_, index) =>
      index < long.length + padding.length && index >= long.length ? 0 : 1,
    )
    const { logits } = await model.forward({ rows: 2, inputIds: batch, attentionMask })
    const { logits: alone } = await model.forward({ inputIds: short })
    expect(worstDifference(logits.subarray(-alone.length), alone)).toBeLessThan(2e-5)
  })
})
