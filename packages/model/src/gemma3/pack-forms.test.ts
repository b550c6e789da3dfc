import { describe, expect, it } from 'vitest'
import { parseGemma3Config } from './config.ts'
import { expectedTensors, isMatrix, TOKEN_EMBEDDING } from './names.ts'
import { packForm } from './pack-forms.ts'

const LINEAR = 'language_model.layers.3.mlp.up_proj.weight'
const VISION_LINEAR = 'vision_tower.encoder.layers.3.mlp.fc1.weight'
const stored = { kind: 'stored' }
const blocks = { kind: 'blocks' }
const columns = { kind: 'columns' }
const floats = (dtype: string) => ({ kind: 'floats', dtype })
const quantized = (bits: number) => ({ kind: 'quantized', bits, blockSize: 32 })

describe('packForm', () => {
  it.each([
    ['F32', undefined, stored],
    ['BF16', undefined, stored],
    ['Q4_K', undefined, blocks],
    ['BF16', 'f32', stored],
    ['Q8_0', 'f32', floats('F32')],
    ['F32', 'bf16', floats('BF16')],
    ['F16', 'bf16', floats('BF16')],
    ['BF16', 'bf16', stored],
    ['F16', 'f16', stored],
    ['Q6_K', 'f16', floats('F16')],
    ['BF16', 'int8', quantized(8)],
    ['Q8_0', 'int8', blocks],
    ['Q4_0', 'int8', blocks],
    ['F32', 'int4', quantized(4)],
    ['Q4_1', 'int4', blocks],
    ['Q5_0', 'int4', quantized(4)],
    ['Q6_K', 'int4', quantized(4)],
  ] as const)('of a linear map in %s asked for as %s', (dtype, asked, form) => {
    expect(packForm(LINEAR, dtype, asked)).toEqual(form)
  })

  it.each([
    ['F32', 'int8', columns],
    ['BF16', 'int8', columns],
    ['Q8_0', 'int8', columns],
    ['Q5_K', 'int8', columns],
    ['Q4_0', 'int8', blocks],
    ['BF16', 'int4', quantized(4)],
    ['Q8_0', undefined, blocks],
    ['BF16', undefined, stored],
    ['BF16', 'f16', floats('F16')],
  ] as const)('of a map of the tower in %s asked for as %s, where there are columns', (dtype, asked, form) => {
    expect(packForm(VISION_LINEAR, dtype, asked, true)).toEqual(form)
  })

  it('has columns in the tower only, and only where they are multiplied by', () => {
    expect(packForm(VISION_LINEAR, 'BF16', 'int8')).toEqual(quantized(8))
    expect(packForm(VISION_LINEAR, 'Q8_0', 'int8')).toEqual(blocks)
    expect(packForm(LINEAR, 'BF16', 'int8', true)).toEqual(quantized(8))
    expect(packForm(TOKEN_EMBEDDING, 'BF16', 'int8', true)).toEqual(quantized(8))
  })

  it('leaves the embedding table in 8 bits', () => {
    expect(packForm(TOKEN_EMBEDDING, 'BF16', 'int4')).toEqual(quantized(8))
    expect(packForm(TOKEN_EMBEDDING, 'Q6_K', 'int4')).toEqual(blocks)
  })

  it('leaves everything else in floats', () => {
    const config = parseGemma3Config({ model_type: 'gemma3', text_config: {}, vision_config: {} })
    const others = [...expectedTensors(config).keys()].filter((name) => !isMatrix(name))
    const kinds = new Set(others.map((name) => name.replace(/\.\d+\./, '.*.')))
    expect([...kinds].sort()).toMatchInlineSnapshot(`
      [
        "language_model.layers.*.input_layernorm.weight",
        "language_model.layers.*.post_attention_layernorm.weight",
        "language_model.layers.*.post_feedforward_layernorm.weight",
        "language_model.layers.*.pre_feedforward_layernorm.weight",
        "language_model.layers.*.self_attn.k_norm.weight",
        "language_model.layers.*.self_attn.q_norm.weight",
        "language_model.norm.weight",
        "multi_modal_projector.mm_input_projection_weight",
        "multi_modal_projector.mm_soft_emb_norm.weight",
        "vision_tower.embeddings.patch_embedding.bias",
        "vision_tower.embeddings.patch_embedding.weight",
        "vision_tower.embeddings.position_embedding.weight",
        "vision_tower.encoder.layers.*.layer_norm1.bias",
        "vision_tower.encoder.layers.*.layer_norm1.weight",
        "vision_tower.encoder.layers.*.layer_norm2.bias",
        "vision_tower.encoder.layers.*.layer_norm2.weight",
        "vision_tower.encoder.layers.*.mlp.fc1.bias",
        "vision_tower.encoder.layers.*.mlp.fc2.bias",
        "vision_tower.encoder.layers.*.self_attn.k_proj.bias",
        "vision_tower.encoder.layers.*.self_attn.out_proj.bias",
        "vision_tower.encoder.layers.*.self_attn.q_proj.bias",
        "vision_tower.encoder.layers.*.self_attn.v_proj.bias",
        "vision_tower.post_layernorm.bias",
        "vision_tower.post_layernorm.weight",
      ]
    `)
    for (const name of others) {
      expect(packForm(name, 'BF16', 'int4')).toEqual(stored)
      expect(packForm(name, 'F32', 'int8', true)).toEqual(stored)
      expect(packForm(name, 'F32', 'f16')).toEqual(stored)
      expect(packForm(name, 'Q8_0', undefined)).toEqual(floats('F32'))
    }
  })
})
