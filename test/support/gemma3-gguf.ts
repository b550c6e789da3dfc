import type { EncodableTensor, Gemma3Config, GgufDType } from '@loupe/model'
import { randomBlocks } from './gguf-random-blocks.ts'
import { encodeGguf, type GgufContent, type WritableTensor, type WritableValue } from './gguf-writer.ts'

/** How a checkpoint in Hugging Face layout becomes a pair of GGUF files. */
export interface GgufPairOptions {
  /**
   * Of matrices, or of each by its name in the file; vectors stay F32. Matrices of a quantised type hold random blocks,
   * whatever the checkpoint has.
   */
  readonly matrices: GgufDType | ((name: string) => GgufDType)
  /** Call the first matrix of a vision MLP `ffn_down`, as the published files do. */
  readonly swapFfn: boolean
  /** Changes the language model before it is written. */
  readonly change?: (language: Record<string, WritableTensor>) => void
  /** More keys of the language model, and others for some: a real vocabulary for the made-up one. */
  readonly keys?: GgufContent['metadata']
}

const LANGUAGE: readonly (readonly [RegExp, string])[] = [
  [/^language_model\.model\.embed_tokens/, 'token_embd'],
  [/^language_model\.model\.norm/, 'output_norm'],
  [/^language_model\.model\.layers\./, 'blk.'],
  [/input_layernorm/, 'attn_norm'],
  [/self_attn\.([qk])_norm/, 'attn_$1_norm'],
  [/self_attn\.([qkv])_proj/, 'attn_$1'],
  [/self_attn\.o_proj/, 'attn_output'],
  [/post_attention_layernorm/, 'post_attention_norm'],
  [/pre_feedforward_layernorm/, 'ffn_norm'],
  [/post_feedforward_layernorm/, 'post_ffw_norm'],
  [/mlp\.(gate|up|down)_proj/, 'ffn_$1'],
]

const VISION: readonly (readonly [RegExp, string])[] = [
  [/^vision_tower\.embeddings\.patch_embedding/, 'v.patch_embd'],
  [/^vision_tower\.embeddings\.position_embedding/, 'v.position_embd'],
  [/^vision_tower\.post_layernorm/, 'v.post_ln'],
  [/^vision_tower\.encoder\.layers\./, 'v.blk.'],
  [/layer_norm([12])/, 'ln$1'],
  [/self_attn\.out_proj/, 'attn_out'],
  [/self_attn\.([qkv])_proj/, 'attn_$1'],
  [/^multi_modal_projector\.mm_soft_emb_norm/, 'mm.soft_emb_norm'],
  [/^multi_modal_projector\.mm_input_projection_weight/, 'mm.input_projection.weight'],
]

const FFN = { true: ['ffn_down', 'ffn_up'], false: ['ffn_up', 'ffn_down'] } as const

/** Writes a float32 checkpoint, as Transformers 5 names it, the way llama.cpp's converter does. */
export function gemma3Ggufs(
  tensors: ReadonlyMap<string, EncodableTensor>,
  config: Gemma3Config,
  options: GgufPairOptions,
): { language: Uint8Array; vision: Uint8Array } {
  const language: Record<string, WritableTensor> = {}
  const vision: Record<string, WritableTensor> = {}
  const [first, second] = FFN[`${options.swapFfn}`]
  const visionNames = [...VISION, [/mlp\.fc1/, first] as const, [/mlp\.fc2/, second] as const]
  for (const [name, tensor] of tensors) {
    const isLanguage = name.startsWith('language_model.')
    const gguf = isLanguage ? languageName(name) : renamed(name, visionNames)
    const isPlusOne = isLanguage ? name.endsWith('norm.weight') : name.endsWith('soft_emb_norm.weight')
    const target = isLanguage ? language : vision
    const type = typeof options.matrices === 'function' ? options.matrices(gguf) : options.matrices
    target[gguf] = stored(tensor, tensor.shape.length > 1 ? type : 'F32', isPlusOne ? 1 : 0)
  }
  options.change?.(language)
  return {
    language: encodeGguf({ metadata: { ...languageKeys(config), ...options.keys }, tensors: language }),
    vision: encodeGguf({ metadata: visionKeys(config), tensors: vision }),
  }
}

/** The name in a GGUF of a tensor of the language model, given as Transformers 5 names it. */
export function languageName(name: string): string {
  return renamed(name, LANGUAGE)
}

function renamed(name: string, rules: typeof LANGUAGE): string {
  return rules.reduce((text, [from, to]) => text.replace(from, to), name)
}

function stored({ shape, data }: EncodableTensor, dtype: GgufDType, plus: number): WritableTensor {
  const bytes = Uint8Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  const numbers = new Float32Array(bytes.buffer).map((value) => value + plus)
  return { dtype, shape, data: encode(dtype, numbers) }
}

function encode(dtype: GgufDType, numbers: Float32Array<ArrayBuffer>): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(numbers.buffer)
  if (dtype === 'F16') return new Uint8Array(new Float16Array(numbers).buffer)
  if (dtype !== 'BF16') return randomBlocks(dtype, numbers.length, numbers.length)
  // Cut, not rounded: what is read back is what counts.
  const words = new Uint32Array(numbers.buffer)
  return new Uint8Array(Uint16Array.from(words, (word) => word >>> 16).buffer)
}

/** What llama.cpp's converter writes about a language model, with a made-up vocabulary. */
export function languageKeys(config: Gemma3Config): NonNullable<GgufContent['metadata']> {
  const { text } = config
  const tokens = Array.from({ length: text.vocabSize }, (_, id) => `token ${id}`)
  tokens[1] = '<eos>'
  tokens[config.boiTokenId] = '<start_of_image>'
  tokens[config.eoiTokenId] = '<end_of_image>'
  tokens[config.imageTokenId] = '<image_soft_token>'
  const counts: Record<string, number> = {
    block_count: text.layers,
    context_length: text.contextTokens,
    embedding_length: text.hiddenSize,
    feed_forward_length: text.intermediateSize,
    'attention.head_count': text.queryHeads,
    'attention.head_count_kv': text.keyHeads,
    'attention.key_length': text.headSize,
    'attention.value_length': text.headSize,
    'attention.sliding_window': text.slidingWindow,
  }
  return {
    'general.architecture': ['string', 'gemma3'],
    ...Object.fromEntries(Object.entries(counts).map(([key, value]) => [`gemma3.${key}`, uint32(value)])),
    'gemma3.attention.layer_norm_rms_epsilon': ['float32', text.rmsNormEps],
    'gemma3.rope.freq_base': ['float32', text.ropeGlobal.theta],
    'gemma3.rope.scaling.type': ['string', 'linear'],
    'gemma3.rope.scaling.factor': ['float32', text.ropeGlobal.factor],
    'tokenizer.ggml.model': ['string', 'llama'],
    'tokenizer.ggml.tokens': ['array', 'string', tokens],
    'tokenizer.ggml.scores': ['array', 'float32', tokens.map((_, id) => -id)],
    'tokenizer.ggml.bos_token_id': uint32(config.bosTokenId),
    'tokenizer.ggml.eos_token_id': uint32(config.eosTokenIds[0] ?? 1),
    'tokenizer.ggml.padding_token_id': uint32(config.padTokenId),
  }
}

function visionKeys({ text, vision, tokensPerImage }: Gemma3Config): NonNullable<GgufContent['metadata']> {
  if (vision === undefined) return {}
  const halves: WritableValue = ['array', 'float32', [0.5, 0.5, 0.5]]
  return {
    'general.architecture': ['string', 'clip'],
    'clip.projector_type': ['string', 'gemma3'],
    'clip.has_vision_encoder': ['bool', true],
    'clip.use_gelu': ['bool', true],
    'clip.vision.image_size': uint32(vision.imageSize),
    'clip.vision.patch_size': uint32(vision.patchSize),
    'clip.vision.embedding_length': uint32(vision.hiddenSize),
    'clip.vision.feed_forward_length': uint32(vision.intermediateSize),
    'clip.vision.block_count': uint32(vision.layers),
    'clip.vision.projection_dim': uint32(text.hiddenSize),
    'clip.vision.attention.head_count': uint32(vision.heads),
    'clip.vision.attention.layer_norm_epsilon': ['float32', vision.layerNormEps],
    'clip.vision.projector.scale_factor': uint32(vision.imageSize / vision.patchSize / Math.sqrt(tokensPerImage)),
    'clip.vision.image_mean': halves,
    'clip.vision.image_std': halves,
  }
}

function uint32(value: number): WritableValue {
  return ['uint32', value]
}
