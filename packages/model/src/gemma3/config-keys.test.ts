/** Every key that the schemas know either changes the config or is refused: none is read and then dropped. */
import { AppError } from '@loupe/shared/errors'
import { describe, expect, it } from 'vitest'
import { parseGemma3Config } from './config.ts'
import type { RawTextConfig, RawVisionConfig, RawVisionLanguageConfig } from './config-schema.ts'

/** A value that is not the default; of a key with one possible value, another one. */
const TEXT: Record<keyof RawTextConfig, unknown> = {
  model_type: 'gemma3',
  vocab_size: 7,
  hidden_size: 8,
  intermediate_size: 9,
  num_hidden_layers: 5,
  num_attention_heads: 12,
  num_key_value_heads: 2,
  head_dim: 14,
  hidden_activation: 'silu',
  max_position_embeddings: 15,
  rms_norm_eps: 1e-5,
  query_pre_attn_scalar: 16,
  sliding_window: 17,
  sliding_window_pattern: 2,
  _sliding_window_pattern: 3,
  layer_types: Array.from({ length: 26 }, () => 'full_attention'),
  rope_theta: 18,
  rope_local_base_freq: 19,
  rope_scaling: { type: 'linear', factor: 2 },
  rope_parameters: { sliding_attention: { rope_theta: 20 } },
  attention_bias: true,
  use_bidirectional_attention: true,
  attn_logit_softcapping: 50,
  final_logit_softcapping: 30,
  tie_word_embeddings: false,
  bos_token_id: 21,
  eos_token_id: 22,
  pad_token_id: 23,
}
const VISION: Record<keyof RawVisionConfig, unknown> = {
  model_type: 'clip_vision_model',
  hidden_size: 16,
  intermediate_size: 5,
  num_hidden_layers: 3,
  num_attention_heads: 2,
  num_channels: 4,
  image_size: 448,
  patch_size: 28,
  layer_norm_eps: 1e-5,
  hidden_act: 'gelu',
}
const TOP: Record<keyof RawVisionLanguageConfig, unknown> = {
  model_type: 'gemma3_text',
  text_config: { hidden_size: 6 },
  vision_config: { hidden_size: 16 },
  mm_tokens_per_image: 64,
  image_token_index: 1,
  image_token_id: 2,
  boi_token_index: 3,
  boi_token_id: 4,
  eoi_token_index: 5,
  eoi_token_id: 6,
  tie_word_embeddings: false,
  bos_token_id: 7,
  eos_token_id: 8,
  pad_token_id: 9,
}
const ROPE = { rope_type: 'default', type: 'default', rope_theta: 5, factor: 3 }

/** The config of a file, or why it is refused. */
function outcome(json: unknown): unknown {
  try {
    return parseGemma3Config(json)
  } catch (error) {
    if (AppError.isInstance(error)) return error.detail
    throw error
  }
}

const plain = outcome({ model_type: 'gemma3' })

describe('a key of config.json changes the config, or is refused', () => {
  it.each(Object.entries(TOP))('at the top: %s', (key, value) => {
    expect(outcome({ model_type: 'gemma3', [key]: value })).not.toEqual(plain)
  })

  it.each(Object.entries(TEXT))('in text_config: %s', (key, value) => {
    expect(outcome({ model_type: 'gemma3', text_config: { [key]: value } })).not.toEqual(plain)
  })

  it.each(Object.entries(TEXT))('in a text-only file: %s', (key, value) => {
    const text = { model_type: 'gemma3_text' }
    expect(outcome({ ...text, [key]: value })).not.toEqual(outcome(text))
  })

  it.each(Object.entries(VISION))('in vision_config: %s', (key, value) => {
    expect(outcome({ model_type: 'gemma3', vision_config: { [key]: value } })).not.toEqual(plain)
  })

  it.each(Object.entries(ROPE))('of a rotary embedding: %s', (key, value) => {
    const linear = { rope_theta: 1e6, factor: 8, ...(key === 'type' ? {} : { rope_type: 'linear' }), type: 'linear' }
    const of = (full: object) => outcome({ model_type: 'gemma3', text_config: { rope_scaling: full } })
    expect(of({ ...linear, [key]: value })).not.toEqual(of(linear))
  })
})
