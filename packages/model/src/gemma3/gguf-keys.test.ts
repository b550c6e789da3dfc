/** Every key that the schemas of GGUF files know either changes the config or is refused: none is read and then dropped. */
import { AppError } from '@loupe/shared/errors'
import { describe, expect, it } from 'vitest'
import type { GgufFile } from '../weights/gguf.ts'
import type { GgufValue } from '../weights/gguf-metadata.ts'
import { ggufConfig } from './gguf-config.ts'
import { type LanguageKeys, languageKeys, type VisionKeys, visionKeys } from './gguf-schema.ts'

type Keys<Of> = Record<keyof Of, readonly [value: GgufValue | undefined, other: GgufValue]>

/** What a file says, and another value; of a key with one possible value, another one. */
const LANGUAGE: Keys<LanguageKeys> = {
  'general.architecture': ['gemma3', 'gemma2'],
  'split.count': [1, 2],
  'gemma3.block_count': [8, 7],
  'gemma3.context_length': [512, 256],
  'gemma3.embedding_length': [64, 32],
  'gemma3.feed_forward_length': [96, 48],
  'gemma3.attention.head_count': [4, 8],
  'gemma3.attention.head_count_kv': [2, 1],
  'gemma3.attention.key_length': [16, 8],
  'gemma3.attention.value_length': [16, 8],
  'gemma3.attention.layer_norm_rms_epsilon': [Math.fround(1e-6), Math.fround(1e-5)],
  'gemma3.attention.sliding_window': [12, 13],
  'gemma3.attention.sliding_window_pattern': [6, 3],
  'gemma3.attention.causal': [true, false],
  'gemma3.rope.dimension_count': [16, 8],
  'gemma3.rope.freq_base': [1e6, 1e5],
  'gemma3.rope.freq_base_swa': [1e4, 1e5],
  'gemma3.rope.scaling.type': ['linear', 'none'],
  'gemma3.rope.scaling.factor': [8, 4],
  'tokenizer.ggml.bos_token_id': [2, 3],
  'tokenizer.ggml.eos_token_id': [1, 4],
  'tokenizer.ggml.eot_token_id': [106, 107],
  'tokenizer.ggml.padding_token_id': [0, 5],
  'tokenizer.ggml.tokens': [undefined, ['<pad>', '<start_of_image>']],
}
const VISION: Keys<VisionKeys> = {
  'general.architecture': ['clip', 'gemma3'],
  'split.count': [1, 2],
  'clip.projector_type': ['gemma3', 'llava'],
  'clip.vision.projector_type': ['gemma3', 'llava'],
  'clip.has_vision_encoder': [true, false],
  'clip.has_audio_encoder': [false, true],
  'clip.use_gelu': [true, false],
  'clip.use_silu': [false, true],
  'clip.vision.image_size': [112, 56],
  'clip.vision.patch_size': [14, 28],
  'clip.vision.embedding_length': [32, 64],
  'clip.vision.feed_forward_length': [48, 24],
  'clip.vision.block_count': [2, 3],
  'clip.vision.projection_dim': [64, 32],
  'clip.vision.attention.head_count': [2, 4],
  'clip.vision.attention.layer_norm_epsilon': [Math.fround(1e-6), Math.fround(1e-5)],
  'clip.vision.image_mean': [Float32Array.of(0.5, 0.5, 0.5), Float32Array.of(0.5, 0.5, 0.4)],
  'clip.vision.image_std': [Float32Array.of(0.5, 0.5, 0.5), Float32Array.of(0.5, 0.5, 0.4)],
  'clip.vision.projector.scale_factor': [4, 2],
}

const valuesOf = (keys: object) => Object.fromEntries(Object.entries(keys).map(([key, [value]]) => [key, value]))

function file(name: string, values: Record<string, GgufValue | undefined>): GgufFile {
  const present = Object.entries(values).filter((entry): entry is [string, GgufValue] => entry[1] !== undefined)
  const table = { name: 'token_embd.weight', dtype: 'F16', shape: [320, 64], file: name, offset: 0, bytes: 0 } as const
  return { file: name, metadata: new Map(present), tensors: new Map([[table.name, table]]) }
}

/** The config of a pair, or why it is refused. */
function outcome(language: Record<string, GgufValue> = {}, vision: Record<string, GgufValue> = {}): unknown {
  try {
    return ggufConfig(file('a', { ...valuesOf(LANGUAGE), ...language }), file('b', { ...valuesOf(VISION), ...vision }))
  } catch (error) {
    if (AppError.isInstance(error)) return error.detail
    throw error
  }
}

describe('a key of a GGUF changes the config, or is refused', () => {
  it('has another value in the tables here', () => {
    expect(Object.keys(LANGUAGE).sort()).toEqual(Object.keys(languageKeys.shape).sort())
    expect(Object.keys(VISION).sort()).toEqual(Object.keys(visionKeys.shape).sort())
    expect(outcome()).toMatchObject({ kind: 'vision-language' })
  })

  it.each(Object.entries(LANGUAGE))('of a language model: %s', (key, [, other]) => {
    expect(outcome({ [key]: other })).not.toEqual(outcome())
  })

  it.each(Object.entries(VISION))('of a vision file: %s', (key, [, other]) => {
    expect(outcome({}, { [key]: other })).not.toEqual(outcome())
  })

  it('or says nothing about what is computed', () => {
    expect(outcome({ 'gemma3.vocab_size': 1 }, { 'clip.has_text_encoder': true })).toEqual(outcome())
  })
})
