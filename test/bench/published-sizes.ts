/** Configs as the released files spell them: the 4B gives five numbers of its decoder and leaves all else to defaults. */

const WINDOW_AND_FULL = (layers: number) =>
  Array.from({ length: layers }, (_, layer) => ((layer + 1) % 6 === 0 ? 'full_attention' : 'sliding_attention'))

const textOnly = (sizes: { num_hidden_layers: number } & Record<string, number>) => ({
  architectures: ['Gemma3ForCausalLM'],
  bos_token_id: 2,
  eos_token_id: [1, 106],
  head_dim: 256,
  hidden_activation: 'gelu_pytorch_tanh',
  layer_types: WINDOW_AND_FULL(sizes.num_hidden_layers),
  max_position_embeddings: 32_768,
  model_type: 'gemma3_text',
  num_attention_heads: 4,
  num_key_value_heads: 1,
  pad_token_id: 0,
  query_pre_attn_scalar: 256,
  rms_norm_eps: 1e-6,
  rope_local_base_freq: 10_000,
  rope_theta: 1_000_000,
  sliding_window: 512,
  torch_dtype: 'bfloat16',
  vocab_size: 262_144,
  ...sizes,
})

const VISION = {
  hidden_size: 1152,
  image_size: 896,
  intermediate_size: 4304,
  model_type: 'siglip_vision_model',
  num_attention_heads: 16,
  num_hidden_layers: 27,
  patch_size: 14,
  vision_use_head: false,
}

const visionLanguage = (sizes: Record<string, number>) => ({
  architectures: ['Gemma3ForConditionalGeneration'],
  boi_token_index: 255_999,
  eoi_token_index: 256_000,
  eos_token_id: [1, 106],
  image_token_index: 262_144,
  mm_tokens_per_image: 256,
  model_type: 'gemma3',
  text_config: {
    model_type: 'gemma3_text',
    rope_scaling: { factor: 8, rope_type: 'linear' },
    sliding_window: 1024,
    ...sizes,
  },
  torch_dtype: 'bfloat16',
  vision_config: VISION,
})

const SIZE_4B = { hidden_size: 2560, intermediate_size: 10_240, num_hidden_layers: 34 }

/** `config.json` of every published size, and of the 4B's decoder alone. */
export const PUBLISHED_CONFIGS: Readonly<Record<string, object>> = {
  '270m': textOnly({ hidden_size: 640, intermediate_size: 2048, num_hidden_layers: 18 }),
  '1b': textOnly({ hidden_size: 1152, intermediate_size: 6912, num_hidden_layers: 26 }),
  '4b': visionLanguage(SIZE_4B),
  '4b-text': textOnly({
    ...SIZE_4B,
    max_position_embeddings: 131_072,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    sliding_window: 1024,
    vocab_size: 262_208,
  }),
  '12b': visionLanguage({
    hidden_size: 3840,
    intermediate_size: 15_360,
    num_attention_heads: 16,
    num_hidden_layers: 48,
    num_key_value_heads: 8,
  }),
  '27b': visionLanguage({
    head_dim: 128,
    hidden_size: 5376,
    intermediate_size: 21_504,
    num_attention_heads: 32,
    num_hidden_layers: 62,
    num_key_value_heads: 16,
    query_pre_attn_scalar: 168,
  }),
}

/** `generation_config.json` of the released checkpoints. */
export const PUBLISHED_GENERATION = {
  cache_implementation: 'hybrid',
  do_sample: true,
  eos_token_id: [1, 106],
  top_k: 64,
  top_p: 0.95,
}
