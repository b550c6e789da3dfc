import { z } from 'zod'
import type { GgufMetadata } from '../weights/gguf-metadata.ts'
import { parseConfigFile } from './config-parse.ts'
import { layerCount, positive, size, tokenId } from './config-schema.ts'

const LANGUAGE_PREFIX = 'gemma3.'
const VISION_PREFIX = 'clip.'

const half = z
  .instanceof(Float32Array, { error: 'three numbers of 0.5' })
  .refine((values) => values.length === 3 && values.every((value) => value === 0.5), { error: 'three numbers of 0.5' })
const oneFile = z.union([z.literal(0), z.literal(1)], { error: '1: models in several files are not supported' })

function architecture(name: string) {
  return z.literal(name, { error: `"${name}"` })
}

/**
 * Keys of the two namespaces that say nothing about what is computed: flags for other models, and a count of rows that the
 * embedding table has anyway.
 */
const IGNORED = new Set(['clip.has_text_encoder', 'clip.has_llava_projector', 'gemma3.vocab_size'])

/** The keys of a language model that say what it computes. Numbers with a fraction are float32 in the file. */
export const languageKeys = z.strictObject({
  'general.architecture': architecture('gemma3'),
  'split.count': oneFile.optional(),
  'gemma3.block_count': layerCount,
  'gemma3.context_length': size,
  'gemma3.embedding_length': size,
  'gemma3.feed_forward_length': size,
  'gemma3.attention.head_count': size,
  'gemma3.attention.head_count_kv': size,
  'gemma3.attention.key_length': size,
  'gemma3.attention.value_length': size.optional(),
  'gemma3.attention.layer_norm_rms_epsilon': positive,
  'gemma3.attention.sliding_window': size,
  /** Every how many layers one is full; or a flag for each layer, 1 where it is sliding. */
  'gemma3.attention.sliding_window_pattern': z.union([size, z.instanceof(Uint8Array)]).optional(),
  'gemma3.attention.causal': z.literal(true, { error: 'true: bidirectional text is not supported' }).optional(),
  'gemma3.rope.dimension_count': size.optional(),
  'gemma3.rope.freq_base': positive.default(1e6),
  'gemma3.rope.freq_base_swa': positive.default(1e4),
  'gemma3.rope.scaling.type': z.enum(['none', 'linear'], { error: '"none" or "linear"' }).optional(),
  'gemma3.rope.scaling.factor': positive.optional(),
  'tokenizer.ggml.bos_token_id': tokenId.optional(),
  'tokenizer.ggml.eos_token_id': tokenId.optional(),
  'tokenizer.ggml.eot_token_id': tokenId.optional(),
  'tokenizer.ggml.padding_token_id': tokenId.optional(),
  'tokenizer.ggml.tokens': z.array(z.string(), { error: 'a list of strings' }).optional(),
})

/** The keys of a vision tower and projector ("mmproj"). */
export const visionKeys = z.strictObject({
  'general.architecture': architecture('clip'),
  'split.count': oneFile.optional(),
  'clip.projector_type': z.literal('gemma3', { error: '"gemma3"' }).optional(),
  'clip.vision.projector_type': z.literal('gemma3', { error: '"gemma3"' }).optional(),
  'clip.has_vision_encoder': z.literal(true, { error: 'true' }).optional(),
  'clip.has_audio_encoder': z.literal(false, { error: 'false' }).optional(),
  'clip.use_gelu': z.literal(true, { error: 'true: the only activation of the vision tower' }).optional(),
  'clip.use_silu': z.literal(false, { error: 'false' }).optional(),
  'clip.vision.image_size': size,
  'clip.vision.patch_size': size,
  'clip.vision.embedding_length': size,
  'clip.vision.feed_forward_length': size,
  'clip.vision.block_count': layerCount,
  'clip.vision.projection_dim': size,
  'clip.vision.attention.head_count': size,
  'clip.vision.attention.layer_norm_epsilon': positive,
  'clip.vision.image_mean': half.optional(),
  'clip.vision.image_std': half.optional(),
  /** Patches along one side of a square that becomes one token. */
  'clip.vision.projector.scale_factor': size.default(4),
})

export type LanguageKeys = z.output<typeof languageKeys>
export type VisionKeys = z.output<typeof visionKeys>

/** @throws AppError `config.invalid` naming every key at fault; an unknown `gemma3.` key is one */
export function parseLanguageKeys(file: string, metadata: GgufMetadata): LanguageKeys {
  return parseConfigFile(file, languageKeys, relevant(metadata, languageKeys.shape, LANGUAGE_PREFIX))
}

/** @throws AppError `config.invalid` naming every key at fault; an unknown `clip.` key is one */
export function parseVisionKeys(file: string, metadata: GgufMetadata): VisionKeys {
  return parseConfigFile(file, visionKeys, relevant(metadata, visionKeys.shape, VISION_PREFIX))
}

/** Keys of a schema, and all others of the namespace that it must know in full. */
function relevant(metadata: GgufMetadata, shape: object, prefix: string): Record<string, unknown> {
  const isRelevant = (key: string) => !IGNORED.has(key) && (Object.hasOwn(shape, key) || key.startsWith(prefix))
  return Object.fromEntries([...metadata].filter(([key]) => isRelevant(key)))
}
