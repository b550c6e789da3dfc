/** The graphs of devices, run by a CPU where it has the operators: they compute what the reference does. */
import { OrtRuntime } from '@loupe/model/runtime'
import { describe, expect, it } from 'vitest'
import { CASES, readCase, TOLERANCE } from '../vl/golden-case.ts'
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
