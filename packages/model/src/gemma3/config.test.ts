import { AppError } from '@loupe/shared/errors'
import { describe, expect, it } from 'vitest'
import { parseGemma3Config } from './config.ts'
import { parseGenerationConfig } from './generation-config.ts'

/** The five sizes that the released 4B file holds; all else is left to defaults. */
const FIVE_FIELDS = {
  hidden_size: 2560,
  intermediate_size: 10240,
  num_hidden_layers: 34,
  sliding_window: 1024,
  rope_scaling: { factor: 8, rope_type: 'linear' },
}

function visionLanguage(text: object = {}, top: object = {}) {
  return { model_type: 'gemma3', text_config: { ...FIVE_FIELDS, ...text }, ...top }
}

function faultOf(run: () => unknown): string {
  try {
    run()
  } catch (thrown) {
    if (AppError.isInstance(thrown) && thrown.code === 'config.invalid') return thrown.detail
    throw thrown
  }
  throw new Error('expected config.invalid')
}

describe('parseGemma3Config', () => {
  it('resolves a 4B file that holds five sizes', () => {
    const { text, vision, ...rest } = parseGemma3Config(visionLanguage())
    const { layerTypes, ...sizes } = text
    expect(sizes).toEqual({
      vocabSize: 262_208,
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
    expect(vision).toEqual({
      hiddenSize: 1152,
      intermediateSize: 4304,
      layers: 27,
      heads: 16,
      imageSize: 896,
      patchSize: 14,
      layerNormEps: 1e-6,
      channels: 3,
    })
    expect(rest).toEqual({
      kind: 'vision-language',
      imageTokenId: 262_144,
      softTokenId: 262_144,
      boiTokenId: 255_999,
      eoiTokenId: 256_000,
      tokensPerImage: 256,
      bosTokenId: 2,
      eosTokenIds: [1],
      padTokenId: 0,
    })
  })

  it('reads a text-only file', () => {
    const config = parseGemma3Config({
      architectures: ['Gemma3ForCausalLM'],
      model_type: 'gemma3_text',
      hidden_size: 1152,
      intermediate_size: 6912,
      num_hidden_layers: 26,
      num_attention_heads: 4,
      num_key_value_heads: 1,
      sliding_window: 512,
      sliding_window_pattern: 6,
      rope_local_base_freq: 10_000,
      rope_scaling: null,
      rope_theta: 1_000_000,
      final_logit_softcapping: null,
      eos_token_id: [1, 106],
      vocab_size: 262_144,
      cache_implementation: 'hybrid',
      torch_dtype: 'bfloat16',
    })
    expect(config).toMatchObject({ kind: 'text', vision: undefined, tokensPerImage: 0, eosTokenIds: [1, 106] })
    expect(config).toMatchObject({ imageTokenId: -1, softTokenId: 262_144 })
    expect(config.text).toMatchObject({ vocabSize: 262_144, keyHeads: 1, ropeGlobal: { theta: 1e6, factor: 1 } })
  })

  it('gives the same answer for both dialects', () => {
    const flat = visionLanguage({ rope_theta: 5e5, rope_local_base_freq: 2e4, sliding_window_pattern: 3 })
    const { rope_scaling, ...sizes } = FIVE_FIELDS
    const nested = visionLanguage()
    const layerTypes = Array.from({ length: 34 }, (_, i) => (i % 3 === 2 ? 'full_attention' : 'sliding_attention'))
    nested.text_config = {
      ...sizes,
      rope_parameters: {
        full_attention: { ...rope_scaling, rope_theta: 5e5 },
        sliding_attention: { rope_type: 'default', rope_theta: 2e4 },
      },
      layer_types: layerTypes,
    } as never
    expect(parseGemma3Config({ ...nested, dtype: 'bfloat16' })).toEqual(
      parseGemma3Config({ ...flat, torch_dtype: 'bfloat16' }),
    )
  })

  it('takes the older spelling of the rope type', () => {
    const config = parseGemma3Config(visionLanguage({ rope_scaling: { factor: 4, type: 'linear' } }))
    expect(config.text.ropeGlobal.factor).toBe(4)
  })

  it('lets layer_types win over the pattern', () => {
    const types = ['full_attention', 'sliding_attention'] as const
    const config = parseGemma3Config(
      visionLanguage({ num_hidden_layers: 2, layer_types: types, _sliding_window_pattern: 2 }),
    )
    expect(config.text.layerTypes).toEqual(types)
  })

  it('prefers the end tokens at the top over those of the text part', () => {
    const both = visionLanguage({ eos_token_id: 1 }, { eos_token_id: [1, 106] })
    expect(parseGemma3Config(both).eosTokenIds).toEqual([1, 106])
    expect(parseGemma3Config(visionLanguage({ eos_token_id: [7] })).eosTokenIds).toEqual([7])
  })

  it('accepts the keys of the base class that some converters write', () => {
    const noise = { return_dict: true, top_k: 50, pruned_heads: {}, id2label: { 0: 'LABEL_0' } }
    const config = visionLanguage(noise, { ...noise, vision_config: { ...noise, tie_word_embeddings: true } })
    expect(parseGemma3Config(config)).toEqual(parseGemma3Config(visionLanguage()))
  })

  it.each([
    ['an unknown text key', visionLanguage({ rope_thetas: 1 }), 'text_config.rope_thetas: expected a known key'],
    [
      'an unknown top key',
      visionLanguage({}, { quantization_config: {} }),
      'quantization_config: expected a known key',
    ],
    ['a soft cap', visionLanguage({ final_logit_softcapping: 30 }), 'final_logit_softcapping: expected null'],
    ['attention soft caps', visionLanguage({ attn_logit_softcapping: 50 }), 'attn_logit_softcapping: expected null'],
    ['an unknown rope type', visionLanguage({ rope_scaling: { rope_type: 'yarn', factor: 2 } }), 'found "yarn"'],
    ['a linear rope without factor', visionLanguage({ rope_scaling: { rope_type: 'linear' } }), 'rope_scaling.factor'],
    ['attention biases', visionLanguage({ attention_bias: true }), 'attention_bias: expected false'],
    ['bidirectional text', visionLanguage({ use_bidirectional_attention: true }), 'found true'],
    ['another activation', visionLanguage({ hidden_activation: 'silu' }), 'found "silu"'],
    [
      'another vision activation',
      visionLanguage({}, { vision_config: { hidden_act: 'gelu' } }),
      'hidden_act: expected',
    ],
    ['an untied head', visionLanguage({}, { tie_word_embeddings: false }), 'tie_word_embeddings: expected true'],
    ['a fractional size', visionLanguage({ hidden_size: 2.5 }), 'found 2.5'],
    ['a giant layer count', visionLanguage({ num_hidden_layers: 1e9 }), 'found 1000000000'],
    ['too few layer types', visionLanguage({ layer_types: ['full_attention'] }), 'expected 34 entries, found 1'],
    ['heads that do not divide', visionLanguage({ num_key_value_heads: 3 }), 'a divisor of the 8 query heads, found 3'],
    ['an odd head size', visionLanguage({ head_dim: 7 }), 'head_dim: expected an even number, found 7'],
    ['no end token', visionLanguage({ eos_token_id: [] }), 'expected at least one token id, found []'],
    [
      'tokens that are no square',
      visionLanguage({}, { mm_tokens_per_image: 200 }),
      'mm_tokens_per_image: expected a square',
    ],
    ['patches that do not tile', visionLanguage({}, { vision_config: { patch_size: 15 } }), 'found 15'],
    ['another model', { model_type: 'llama' }, 'expected "gemma3" or "gemma3_text", found "llama"'],
    ['a list', [], 'model_type: expected'],
    ['null', null, 'model_type: expected'],
    [
      'a text part that is no object',
      { model_type: 'gemma3', text_config: 3 },
      'text_config: expected a JSON object, found 3',
    ],
  ])('refuses %s', (_, json, message) => {
    expect(faultOf(() => parseGemma3Config(json))).toContain(message)
  })

  it('names a value that is nested more deeply than the stack is high', () => {
    const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))
    const fault = faultOf(() => parseGemma3Config({ model_type: 'gemma3', text_config: { hidden_size: deep } }))
    expect(fault).toContain('hidden_size: expected')
    expect(fault).toContain('nested too deeply')
  })

  it('names every fault in one error', () => {
    const fault = faultOf(() => parseGemma3Config(visionLanguage({ hidden_size: 0, head_dim: 'x' }, { surprise: 1 })))
    expect(fault).toContain('text_config.hidden_size: expected a whole number from 1 to 16777216, found 0')
    expect(fault).toContain('text_config.head_dim: expected a whole number from 1 to 16777216, found "x"')
    expect(fault).toContain('surprise: expected a known key of Gemma 3')
  })
})

describe('parseGenerationConfig', () => {
  const config = { eosTokenIds: [1] }

  it('reads the file of the instruction models', () => {
    const file = { bos_token_id: 2, do_sample: true, eos_token_id: [1, 106], top_k: 64, top_p: 0.95, pad_token_id: 0 }
    const expected = { eosTokenIds: [1, 106], doSample: true, temperature: 1, topK: 64, topP: 0.95 }
    expect(parseGenerationConfig(file, config)).toEqual(expected)
  })

  it('takes one end token as a list of one', () => {
    expect(parseGenerationConfig({ eos_token_id: 106 }, config).eosTokenIds).toEqual([106])
  })

  it('is greedy with the end tokens of config.json when there is no file', () => {
    const expected = { eosTokenIds: [1], doSample: false, temperature: 1, topK: 50, topP: 1 }
    expect(parseGenerationConfig(undefined, config)).toEqual(expected)
  })

  it('keeps all tokens when top_k is null or 0', () => {
    expect(parseGenerationConfig({ top_k: null }, config).topK).toBe(0)
    expect(parseGenerationConfig({ top_k: 0 }, config).topK).toBe(0)
  })

  it.each([
    [{ top_p: 1.5 }, 'top_p: expected a number from 0 to 1, found 1.5'],
    [{ temperature: -1 }, 'temperature: expected a number of at least 0, found -1'],
    [{ top_k: 1.5 }, 'top_k: expected a whole number'],
    [{ eos_token_id: 'x' }, 'eos_token_id: expected a token id or a list of token ids, found "x"'],
    [null, 'the file: expected a JSON object, found null'],
  ])('refuses %j', (json, message) => {
    expect(faultOf(() => parseGenerationConfig(json, config))).toContain(message)
  })
})
