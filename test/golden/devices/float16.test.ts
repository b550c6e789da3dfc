/**
 * A residual stream beyond the largest float16, held smaller by a power of two.
 *
 * A CPU computes float16 operators in float32 and rounds every result that is stored, so what would overflow on a device
 * overflows here.
 */
import type { EncodableTensor } from '@loupe/model'
import { OrtRuntime } from '@loupe/model/runtime'
import { describe, expect, it } from 'vitest'
import { readCase, type Variant, worstDifference, writeVariant } from '../vl/golden-case.ts'
import { type Computed, compute, modelWith, openCheckpoint } from './device-model.ts'
import { CPU_POLICY, type DTypePolicy, dtypePolicy } from './model-internals.ts'

const LARGEST_FLOAT16 = 65_504
const FLOAT16: DTypePolicy = dtypePolicy('webgpu', 'f16')
const PLAIN_FLOAT16: DTypePolicy = { ...FLOAT16, rescales: false }
const RESCALED_FLOAT32: DTypePolicy = { ...CPU_POLICY, rescales: true }

/** Gains of what is written into the stream, times 20,000. A norm stands between them and everything else. */
const LOUD: Variant = {
  weights(tensors) {
    for (const [name, tensor] of tensors) {
      if (/(post_attention|post_feedforward)_layernorm\.weight$/.test(name)) tensors.set(name, louder(tensor))
    }
  },
}

function louder({ shape, data }: EncodableTensor): EncodableTensor {
  const bytes = Uint8Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  return { dtype: 'F32', shape, data: new Float32Array(bytes.buffer).map((w) => (1 + w) * 20_000 - 1) }
}

/** What a checkpoint computes under each of some policies. */
async function computeAs(directory: string, ...policies: DTypePolicy[]): Promise<Computed[]> {
  const golden = await readCase('one-image')
  const checkpoint = await openCheckpoint(directory)
  const all: Computed[] = []
  for (const policy of policies) {
    using model = modelWith(checkpoint, new OrtRuntime(), policy)
    all.push(await compute(model, golden))
  }
  return all
}

const largest = (numbers: Float32Array) => numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0)

describe('a residual stream beyond float16', () => {
  it('overflows as it is, and not when it is rescaled', async () => {
    await using loud = await writeVariant('one-image', LOUD)
    const [exact, plain, rescaled] = await computeAs(loud.directory, CPU_POLICY, PLAIN_FLOAT16, FLOAT16)
    const peak = Math.max(...(exact?.hiddenStates.slice(0, -1).map(largest) ?? []))
    expect(peak).toBeGreaterThan(LARGEST_FLOAT16)
    expect(plain?.logits.every(Number.isFinite)).toBe(false)
    expect(rescaled?.logits.every(Number.isFinite)).toBe(true)
    // Logits reach 4; eleven bits through seven layers leave two digits of them.
    expect(worstDifference(rescaled?.logits ?? new Float32Array(), exact?.logits ?? new Float32Array())).toBeLessThan(
      0.1,
    )
  })

  it('is rounded to float16 wherever it is stored', async () => {
    const [states] = await computeAs((await readCase('one-image')).directory, PLAIN_FLOAT16)
    for (const state of states?.hiddenStates ?? [])
      expect(state.every((value) => Math.f16round(value) === value)).toBe(true)
  })
})

describe('a power of two', () => {
  it('changes no bit of what float32 computes, quiet or loud', async () => {
    await using loud = await writeVariant('one-image', LOUD)
    for (const directory of [(await readCase('one-image')).directory, loud.directory]) {
      const [plain, rescaled] = await computeAs(directory, CPU_POLICY, RESCALED_FLOAT32)
      expect(rescaled).toEqual(plain)
    }
  })

  it('changes no bit of float16 logits either, where both fit', async () => {
    const [plain, rescaled] = await computeAs((await readCase('one-image')).directory, PLAIN_FLOAT16, FLOAT16)
    expect(rescaled?.logits).toEqual(plain?.logits)
  })
})
