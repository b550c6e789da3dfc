import { describe, expect, it } from 'vitest'
import type { GgufFile } from '../weights/gguf.ts'
import type { GgufValue } from '../weights/gguf-metadata.ts'
import { ggufConfig } from './gguf-config.ts'

/** What a published 4B says. */
const LANGUAGE: Record<string, GgufValue> = {
  'general.architecture': 'gemma3',
  'general.name': 'Gemma 3 4b It',
  'gemma3.block_count': 34,
  'gemma3.context_length': 131_072,
  'gemma3.embedding_length': 2560,
  'gemma3.feed_forward_length': 10_240,
  'gemma3.attention.head_count': 8,
  'gemma3.attention.head_count_kv': 4,
  'gemma3.attention.key_length': 256,
  'gemma3.attention.value_length': 256,
  'gemma3.attention.layer_norm_rms_epsilon': Math.fround(1e-6),
  'gemma3.attention.sliding_window': 1024,
  'gemma3.rope.freq_base': 1e6,
  'gemma3.rope.scaling.type': 'linear',
  'gemma3.rope.scaling.factor': 8,
  'tokenizer.ggml.eos_token_id': 106,
  'quantize.imatrix.file': 'anything',
}

const VISION: Record<string, GgufValue> = {
  'general.architecture': 'clip',
  'clip.projector_type': 'gemma3',
  'clip.has_vision_encoder': true,
  'clip.has_text_encoder': false,
  'clip.use_gelu': true,
  'clip.vision.image_size': 896,
  'clip.vision.patch_size': 14,
  'clip.vision.embedding_length': 1152,
  'clip.vision.feed_forward_length': 4304,
  'clip.vision.block_count': 27,
  'clip.vision.projection_dim': 2560,
  'clip.vision.attention.head_count': 16,
  'clip.vision.attention.layer_norm_epsilon': Math.fround(1e-6),
  'clip.vision.image_mean': Float32Array.of(0.5, 0.5, 0.5),
  'clip.vision.image_std': Float32Array.of(0.5, 0.5, 0.5),
}

function file(name: string, metadata: Record<string, GgufValue | undefined>): GgufFile {
  const present = Object.entries(metadata).filter((entry): entry is [string, GgufValue] => entry[1] !== undefined)
  const table = {
    name: 'token_embd.weight',
    dtype: 'Q6_K',
    shape: [262_144, 2560],
    file: name,
    offset: 0,
    bytes: 0,
  } as const
  return { file: name, metadata: new Map(present), tensors: new Map([[table.name, table]]) }
}

function read(language: Record<string, GgufValue | undefined> = {}, vision?: Record<string, GgufValue | undefined>) {
  return ggufConfig(file('a', { ...LANGUAGE, ...language }), vision && file('b', { ...VISION, ...vision }))
}

describe('ggufConfig', () => {
  it('reads a published pair, with the defaults that no key holds', () => {
    const config = read({}, {})
    const { layerTypes, ...text } = config.text
    expect(text).toEqual({
      vocabSize: 262_144,
      hiddenSize: 2560,
      intermediateSize: 10_240,
      layers: 34,
      queryHeads: 8,
      keyHeads: 4,
      headSize: 256,
      slidingWindow: 1024,
      queryPreAttnScalar: 256,
      rmsNormEps: 1e-6,
      contextTokens: 131_072,
      ropeLocal: { theta: 1e4, factor: 1 },
      ropeGlobal: { theta: 1e6, factor: 8 },
    })
    expect(layerTypes.flatMap((type, layer) => (type === 'full_attention' ? [layer] : []))).toEqual([5, 11, 17, 23, 29])
    expect(config).toMatchObject({
      kind: 'vision-language',
      vision: { hiddenSize: 1152, intermediateSize: 4304, layers: 27, heads: 16, imageSize: 896, layerNormEps: 1e-6 },
      tokensPerImage: 256,
      imageTokenId: 262_144,
      boiTokenId: 255_999,
      eoiTokenId: 256_000,
      bosTokenId: 2,
      eosTokenIds: [106],
      padTokenId: 0,
    })
  })

  it('is a text model without a vision file', () => {
    expect(read()).toMatchObject({ kind: 'text', vision: undefined, imageTokenId: -1, softTokenId: 262_144 })
    const tokens = ['<pad>', '<image_soft_token>', '<bos>', 'a']
    expect(read({ 'tokenizer.ggml.tokens': tokens })).toMatchObject({ imageTokenId: -1, softTokenId: 1 })
  })

  it('scales the attention of 62 layers by d/n, as only the 27B does', () => {
    const sizes = { 'gemma3.embedding_length': 5376, 'gemma3.attention.head_count': 32 }
    const heads = { 'gemma3.attention.key_length': 128, 'gemma3.attention.value_length': 128 }
    const of = (layers: number) => read({ ...sizes, ...heads, 'gemma3.block_count': layers }).text.queryPreAttnScalar
    expect([of(61), of(62), of(63)]).toEqual([128, 168, 128])
  })

  it('finds tokens by their spelling', () => {
    const tokens = [
      '<pad>',
      '<eos>',
      '<bos>',
      '<end_of_turn>',
      '<start_of_image>',
      '<end_of_image>',
      '<image_soft_token>',
    ]
    expect(read({ 'tokenizer.ggml.tokens': tokens, 'tokenizer.ggml.eos_token_id': 3 }, {})).toMatchObject({
      eosTokenIds: [1, 3],
      boiTokenId: 4,
      eoiTokenId: 5,
      imageTokenId: 6,
    })
    expect(read({ 'tokenizer.ggml.eos_token_id': undefined }).eosTokenIds).toEqual([1])
    expect(read({ 'tokenizer.ggml.eot_token_id': 9 }).eosTokenIds).toEqual([9, 106])
  })

  it('reads the keys of newer files: another pattern, another local theta, another pooling', () => {
    const pattern = (value: GgufValue) =>
      read({ 'gemma3.block_count': 4, 'gemma3.attention.sliding_window_pattern': value }).text.layerTypes
    expect(pattern(2)).toEqual(pattern(Uint8Array.of(1, 0, 1, 0)))
    expect(pattern(2)[0]).toBe('sliding_attention')
    expect(read({ 'gemma3.rope.freq_base_swa': 5000 }).text.ropeLocal).toEqual({ theta: 5000, factor: 1 })
    expect(read({}, { 'clip.vision.projector.scale_factor': 8 }).tokensPerImage).toBe(64)
    expect(read({ 'gemma3.rope.scaling.type': 'none' }).text.ropeGlobal.factor).toBe(1)
  })

  it.each<[string, Record<string, GgufValue | undefined>, string]>([
    [
      'another architecture',
      { 'general.architecture': 'gemma2' },
      'general.architecture: expected "gemma3", found "gemma2"',
    ],
    ['a key that is missing', { 'gemma3.block_count': undefined }, 'gemma3.block_count: expected a whole number'],
    [
      'a key that nobody knows',
      { 'gemma3.attention.gate': 1 },
      'expected a known key of Gemma 3, found gemma3.attention.gate',
    ],
    ['a size of 2^60', { 'gemma3.embedding_length': 2n ** 60n }, 'gemma3.embedding_length: expected a whole number'],
    ['a text for a number', { 'gemma3.context_length': '8' }, 'gemma3.context_length: expected a whole number'],
    [
      'values of another width',
      { 'gemma3.attention.value_length': 128 },
      'value_length: expected the key_length 256, found 128',
    ],
    [
      'a scaling without a factor',
      { 'gemma3.rope.scaling.factor': undefined },
      'rope_scaling.factor: expected a positive number',
    ],
    [
      'key heads that do not divide',
      { 'gemma3.attention.head_count_kv': 3 },
      'expected a divisor of the 8 query heads, found 3',
    ],
    [
      'a pattern for other layers',
      { 'gemma3.attention.sliding_window_pattern': Uint8Array.of(1) },
      'expected 34 entries, found 1',
    ],
    ['part of a model', { 'split.count': 3 }, 'split.count: expected 1'],
  ])('refuses a language model with %s', (_, changed, detail) => {
    expect(() => read(changed)).toThrow(detail)
  })

  it.each<[string, Record<string, GgufValue | undefined>, string]>([
    ['another projector', { 'clip.projector_type': 'llava' }, 'clip.projector_type: expected "gemma3", found "llava"'],
    ['another width', { 'clip.vision.projection_dim': 640 }, 'expected 2560, the embedding_length of a, found 640'],
    [
      'another mean',
      { 'clip.vision.image_mean': Float32Array.of(0.5, 0.4, 0.5) },
      'image_mean: expected three numbers of 0.5',
    ],
    ['another activation', { 'clip.use_silu': true }, 'clip.use_silu: expected false, found true'],
    ['pooling that does not divide', { 'clip.vision.projector.scale_factor': 5 }, 'mm_tokens_per_image: expected'],
    ['a key that nobody knows', { 'clip.vision.window_size': 8 }, 'found clip.vision.window_size'],
  ])('refuses a vision file with %s', (_, changed, detail) => {
    expect(() => read({}, changed)).toThrow(detail)
  })
})
