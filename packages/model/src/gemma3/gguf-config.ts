import type { GgufFile } from '../weights/gguf.ts'
import { type Gemma3Config, parseGemma3Config } from './config.ts'
import { configFault } from './config-parse.ts'
import { type LanguageKeys, parseLanguageKeys, parseVisionKeys, type VisionKeys } from './gguf-schema.ts'
import { shortestDecimal } from './shortest-decimal.ts'

const EMBEDDING = 'token_embd.weight'
/** The one size whose attention scale is d/n, not the head size; no key says so. */
const LAYERS_OF_27B = 62
/** Converters that write no pattern have Gemma's: every sixth layer is full. */
const FULL_EVERY = 6
/** Ids of the spellings in Gemma's vocabulary, for a file that carries no tokens. The last is not in every table. */
const IMAGE_TOKENS = { '<start_of_image>': 255_999, '<end_of_image>': 256_000, '<image_soft_token>': 262_144 } as const

/**
 * Reads the config of a GGUF language model, and of its vision file if there is one. Keys are translated to those of the
 * `config.json` that the files were made from.
 *
 * @throws AppError `config.invalid` naming every key at fault, what was expected and what was found
 */
export function ggufConfig(language: GgufFile, vision?: GgufFile): Gemma3Config {
  const keys = parseLanguageKeys(language.file, language.metadata)
  const text = { ...textJson(keys, language), ...tokensJson(keys) }
  const imageTokens = imageTokensJson(keys)
  if (vision === undefined) {
    const config = parseGemma3Config({ model_type: 'gemma3_text', ...text }, language.file)
    return { ...config, softTokenId: imageTokens.image_token_index }
  }
  const visionKeys = parseVisionKeys(vision.file, vision.metadata)
  const width = visionKeys['clip.vision.projection_dim']
  if (width !== text.hidden_size) {
    const expected = `${text.hidden_size}, the embedding_length of ${language.file}`
    throw configFault(vision.file, [`clip.vision.projection_dim: expected ${expected}, found ${width}`])
  }
  const json = { model_type: 'gemma3', text_config: text, ...imageTokens, ...visionJson(visionKeys) }
  return parseGemma3Config(json, `${language.file} and ${vision.file}`)
}

function textJson(keys: LanguageKeys, { file, tensors }: GgufFile) {
  const layers = keys['gemma3.block_count']
  const heads = keys['gemma3.attention.head_count']
  const headSize = keys['gemma3.attention.key_length']
  const hiddenSize = keys['gemma3.embedding_length']
  for (const key of ['gemma3.attention.value_length', 'gemma3.rope.dimension_count'] as const) {
    const found = keys[key] ?? headSize
    if (found !== headSize) throw configFault(file, [`${key}: expected the key_length ${headSize}, found ${found}`])
  }
  return {
    vocab_size: tensors.get(EMBEDDING)?.shape[0],
    hidden_size: hiddenSize,
    intermediate_size: keys['gemma3.feed_forward_length'],
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: keys['gemma3.attention.head_count_kv'],
    head_dim: headSize,
    max_position_embeddings: keys['gemma3.context_length'],
    rms_norm_eps: shortestDecimal(keys['gemma3.attention.layer_norm_rms_epsilon']),
    query_pre_attn_scalar: layers === LAYERS_OF_27B ? hiddenSize / heads : headSize,
    sliding_window: keys['gemma3.attention.sliding_window'],
    layer_types: layerTypes(keys),
    rope_theta: shortestDecimal(keys['gemma3.rope.freq_base']),
    rope_local_base_freq: shortestDecimal(keys['gemma3.rope.freq_base_swa']),
    rope_scaling: ropeScaling(keys),
  }
}

function layerTypes(keys: LanguageKeys): string[] {
  const pattern = keys['gemma3.attention.sliding_window_pattern'] ?? FULL_EVERY
  const isSliding =
    typeof pattern === 'number'
      ? Array.from({ length: keys['gemma3.block_count'] }, (_, layer) => (layer + 1) % pattern !== 0)
      : Array.from(pattern, (flag) => flag === 1)
  return isSliding.map((sliding) => (sliding ? 'sliding_attention' : 'full_attention'))
}

function ropeScaling(keys: LanguageKeys) {
  const factor = keys['gemma3.rope.scaling.factor']
  return keys['gemma3.rope.scaling.type'] === 'linear' ? { rope_type: 'linear', factor } : undefined
}

/** A file names one end token; Gemma ends an answer with `<end_of_turn>`, a text with `<eos>`. */
function tokensJson(keys: LanguageKeys) {
  const tokens = keys['tokenizer.ggml.tokens'] ?? []
  const ends = [
    keys['tokenizer.ggml.eos_token_id'] ?? 1,
    keys['tokenizer.ggml.eot_token_id'],
    ...['<eos>', '<end_of_turn>'].map((token) => tokens.indexOf(token)),
  ]
  const found = ends.filter((id) => id !== undefined && id >= 0)
  return {
    bos_token_id: keys['tokenizer.ggml.bos_token_id'],
    eos_token_id: [...new Set(found)].sort((a = 0, b = 0) => a - b),
    pad_token_id: keys['tokenizer.ggml.padding_token_id'],
  }
}

function imageTokensJson(keys: LanguageKeys) {
  const tokens = keys['tokenizer.ggml.tokens'] ?? []
  const id = (token: keyof typeof IMAGE_TOKENS) => {
    const found = tokens.indexOf(token)
    return found >= 0 ? found : IMAGE_TOKENS[token]
  }
  return {
    boi_token_index: id('<start_of_image>'),
    eoi_token_index: id('<end_of_image>'),
    image_token_index: id('<image_soft_token>'),
  }
}

function visionJson(keys: VisionKeys) {
  const imageSize = keys['clip.vision.image_size']
  const patchSize = keys['clip.vision.patch_size']
  return {
    mm_tokens_per_image: (imageSize / patchSize / keys['clip.vision.projector.scale_factor']) ** 2,
    vision_config: {
      hidden_size: keys['clip.vision.embedding_length'],
      intermediate_size: keys['clip.vision.feed_forward_length'],
      num_hidden_layers: keys['clip.vision.block_count'],
      num_attention_heads: keys['clip.vision.attention.head_count'],
      image_size: imageSize,
      patch_size: patchSize,
      layer_norm_eps: shortestDecimal(keys['clip.vision.attention.layer_norm_epsilon']),
    },
  }
}
