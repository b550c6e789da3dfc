import { describe, expect, it } from 'vitest'
import type { TextConfig } from '../gemma3/config.ts'
import { CPU_POLICY, dtypePolicy } from '../gemma3/dtype-policy.ts'
import { HIDDEN_BLOCK, isMasked } from '../gemma3/mask.ts'
import { policyInputs } from './policy-inputs.ts'

/** All that is read of a config. */
const TEXT = {
  headSize: 4,
  ropeLocal: { theta: 100, factor: 1 },
  ropeGlobal: { theta: 100, factor: 2 },
} as TextConfig

function stepAt(positions: number[], slots = positions) {
  const blocks = new Int32Array(Math.max(...slots) + 1)
  return { rows: 1, positions: Int32Array.from(positions), slots: Int32Array.from(slots), blocks }
}

describe('isMasked', () => {
  it.each([
    ['text', [3, 4], [0, 0, 0, 0, 0], false],
    ['text behind a picture', [3, 4], [0, 1, 1, 0, 0], false],
    ['a picture', [1, 2, 3], [0, 1, 1, 0], true],
    ['padding, however long ago', [3], [HIDDEN_BLOCK, 0, 0, 0], true],
  ])('%s: %j of %j is %s', (_, slots, blocks, expected) => {
    expect(isMasked(Int32Array.from(slots), Int32Array.from(blocks), 1)).toBe(expected)
  })

  it('looks at each row by itself', () => {
    const slots = Int32Array.of(2, 2)
    expect(isMasked(slots, Int32Array.of(0, 0, 0, 1, 1, 0), 2)).toBe(false)
    expect(isMasked(slots, Int32Array.of(0, 0, 0, 0, 0, 1), 2)).toBe(true)
  })
})

describe('policyInputs', () => {
  it('are none on a CPU', () => {
    expect(policyInputs(TEXT, CPU_POLICY, stepAt([0, 1]))).toEqual({})
  })

  it('are the angles of positions, and whether there is a mask', () => {
    const inputs = policyInputs(TEXT, dtypePolicy('webgpu', 'f32'), stepAt([0, 3]))
    expect(Object.keys(inputs).sort()).toEqual([
      'is_masked',
      'rotary_global.cosines',
      'rotary_global.sines',
      'rotary_local.cosines',
      'rotary_local.sines',
    ])
    expect(inputs['is_masked']).toEqual(['bool', [], Uint8Array.of(0)])
    const [dtype, shape, data] = inputs['rotary_global.sines'] ?? expect.fail('there are no sines')
    expect([dtype, shape]).toEqual(['float32', [2, 2]])
    expect(Array.from(data, Number)).toEqual([0, 0, Math.fround(Math.sin(1.5)), expect.closeTo(Math.sin(0.15), 6)])
  })

  it('refuse a position without angles, where the operator turns heads itself', () => {
    const policy = dtypePolicy('cuda', 'bf16')
    expect(() => policyInputs(TEXT, policy, stepAt([5], [2]))).toThrow(/position_ids: expected .* less than 3.*found 5/)
    expect(policyInputs(TEXT, policy, stepAt([1], [2]))).toHaveProperty('is_masked')
  })
})
