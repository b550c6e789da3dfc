import { type EncodableTensor, expectedTensors, type Gemma3Config, parseGemma3Config } from '@loupe/model'
import { randomWords } from './gguf-random-blocks.ts'

/** A Gemma 3 whose rows are whole blocks of 256, two decoder layers and one of the tower, pictures of 4 × 4 patches. */
export const BLOCK_SIZED_CONFIG = {
  model_type: 'gemma3',
  mm_tokens_per_image: 4,
  boi_token_index: 60,
  eoi_token_index: 61,
  image_token_index: 62,
  eos_token_id: [1, 5],
  text_config: {
    model_type: 'gemma3_text',
    vocab_size: 64,
    hidden_size: 256,
    intermediate_size: 512,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 64,
    query_pre_attn_scalar: 64,
    max_position_embeddings: 512,
    sliding_window: 8,
    rope_scaling: { rope_type: 'linear', factor: 8 },
  },
  vision_config: {
    hidden_size: 256,
    intermediate_size: 512,
    num_hidden_layers: 1,
    num_attention_heads: 4,
    image_size: 56,
    patch_size: 14,
  },
}

/** Its weights as a checkpoint of Transformers 5 spells them: float32, repeatable, of the size that models have. */
export function randomCheckpoint(json: object = BLOCK_SIZED_CONFIG): {
  config: Gemma3Config
  tensors: Map<string, EncodableTensor>
} {
  const config = parseGemma3Config(json)
  const next = randomWords(7)
  const tensors = Array.from(expectedTensors(config), ([name, shape]): [string, EncodableTensor] => {
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1))
    for (let at = 0; at < data.length; at++) data[at] = (next() / 2 ** 31) * 0.1
    return [name.replace(/^language_model\./, 'language_model.model.'), { dtype: 'F32', shape, data }]
  })
  return { config, tensors: new Map(tensors) }
}
