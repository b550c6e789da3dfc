import { describe, expect, it } from 'vitest'
import type { GgufTensor } from '../weights/gguf-types.ts'
import { isStoredPlusOne, withCanonicalNames } from './gguf-names.ts'

function canonical(shapes: Record<string, readonly number[]>): Record<string, string> {
  const tensors = new Map(
    Object.entries(shapes).map(([name, shape]): [string, GgufTensor] => {
      return [name, { name, dtype: 'F32', shape, file: 'x', offset: 0, bytes: 0 }]
    }),
  )
  return Object.fromEntries(withCanonicalNames(tensors).map(([name, tensor]) => [tensor.name, name]))
}

const [D, F] = [1152, 4304]

describe('withCanonicalNames', () => {
  it('takes the first matrix of a vision MLP for what it is, whatever its name', () => {
    const norm = { 'v.blk.0.ln2.weight': [D] }
    const published = { 'v.blk.0.ffn_down.weight': [F, D], 'v.blk.0.ffn_down.bias': [F] }
    const corrected = { 'v.blk.0.ffn_up.weight': [F, D], 'v.blk.0.ffn_down.weight': [D, F], 'v.blk.0.ffn_up.bias': [F] }
    const mlp = 'vision_tower.encoder.layers.0.mlp'
    expect(canonical({ ...norm, ...published })).toMatchObject({
      'v.blk.0.ffn_down.weight': `${mlp}.fc1.weight`,
      'v.blk.0.ffn_down.bias': `${mlp}.fc1.bias`,
    })
    expect(canonical({ ...norm, ...corrected })).toMatchObject({
      'v.blk.0.ffn_up.weight': `${mlp}.fc1.weight`,
      'v.blk.0.ffn_up.bias': `${mlp}.fc1.bias`,
      'v.blk.0.ffn_down.weight': `${mlp}.fc2.weight`,
    })
  })

  it('leaves a name alone that Gemma 3 does not have', () => {
    const names = [
      'rope_freqs.weight',
      'blk.0.attn_qkv.weight',
      'v.blk.0.constructor.weight',
      'blk.99999.attn_q.weight',
      '',
    ]
    expect(canonical(Object.fromEntries(names.map((name) => [name, [1]])))).toEqual(
      Object.fromEntries(names.map((name) => [name, name])),
    )
  })

  it('takes a separate head for the tied one, which is never read', () => {
    expect(canonical({ 'output.weight': [8, 4] })).toEqual({ 'output.weight': 'lm_head.weight' })
  })
})

describe('isStoredPlusOne', () => {
  it.each([
    ['output_norm.weight', true],
    ['blk.0.attn_q_norm.weight', true],
    ['blk.0.post_ffw_norm.weight', true],
    ['mm.soft_emb_norm.weight', true],
    ['v.blk.0.ln1.weight', false],
    ['v.post_ln.weight', false],
    ['blk.0.attn_q.weight', false],
  ])('of %s is %s', (name, expected) => {
    expect(isStoredPlusOne(name)).toBe(expected)
  })
})
