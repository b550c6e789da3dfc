import { describe, expect, it } from 'vitest'
import { fillRandom, keyOf, spreadOf } from './random-weights.ts'

const tensor = { dtype: 'F32', elements: 1e5, spread: { mean: 0.5, std: 2 }, key: keyOf(1, 'a') } as const

function filled(length: number, start = 0, key = tensor.key) {
  const out = new Float32Array(length)
  fillRandom(out, { ...tensor, key }, start)
  return out
}

describe('fillRandom', () => {
  it('gives an element the same value in whatever piece it is made', () => {
    expect(filled(1000).subarray(600)).toEqual(filled(400, 600))
  })

  it('gives the mean and the deviation it was asked for', () => {
    const values = filled(1e5)
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
    expect(mean).toBeCloseTo(0.5, 1)
    expect(Math.sqrt(variance)).toBeCloseTo(2, 1)
  })

  it('gives unrelated numbers for another name or another seed', () => {
    const [a, b, c] = [filled(1000), filled(1000, 0, keyOf(1, 'b')), filled(1000, 0, keyOf(2, 'a'))]
    const equal = (x: Float32Array, y: Float32Array) => x.filter((value, i) => value === y[i]).length
    expect(equal(a, b) + equal(a, c) + equal(b, c)).toBeLessThan(3)
  })

  it('cuts float32 down to bfloat16', () => {
    const bits = new Uint16Array(100)
    fillRandom(bits, { ...tensor, dtype: 'BF16' }, 0)
    const words = new Uint32Array(filled(100).buffer)
    expect([...bits]).toEqual(Array.from(words, (word) => word >>> 16))
  })
})

describe('spreadOf', () => {
  it('keeps the variance through a linear map, whichever side its inputs are on', () => {
    expect(spreadOf('language_model.layers.0.mlp.down_proj.weight', [640, 2048]).std).toBe(2048 ** -0.5)
    expect(spreadOf('multi_modal_projector.mm_input_projection_weight', [1152, 2560]).std).toBe(1152 ** -0.5)
  })

  it('centres norms where they are stored', () => {
    expect(spreadOf('language_model.norm.weight', [640]).mean).toBe(0.5)
    expect(spreadOf('vision_tower.post_layernorm.weight', [1152]).mean).toBe(1)
  })
})
