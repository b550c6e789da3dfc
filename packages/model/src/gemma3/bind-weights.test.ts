import { AppError } from '@loupe/shared/errors'
import { describe, expect, it } from 'vitest'
import type { Checkpoint } from '../weights/checkpoint.ts'
import type { StoredDType } from '../weights/dtype.ts'
import { bindWeights } from './bind-weights.ts'
import { type Gemma3Config, parseGemma3Config } from './config.ts'
import { canonicalName, expectedTensors } from './names.ts'

const TEXT_SIZES = {
  '270m': {
    hidden_size: 640,
    intermediate_size: 2048,
    num_hidden_layers: 18,
    num_attention_heads: 4,
    vocab_size: 262_144,
  },
  '1b': {
    hidden_size: 1152,
    intermediate_size: 6912,
    num_hidden_layers: 26,
    num_attention_heads: 4,
    vocab_size: 262_144,
  },
  '4b': { hidden_size: 2560, intermediate_size: 10_240, num_hidden_layers: 34 },
  '12b': {
    hidden_size: 3840,
    intermediate_size: 15_360,
    num_hidden_layers: 48,
    num_attention_heads: 16,
    num_key_value_heads: 8,
  },
  '27b': {
    hidden_size: 5376,
    intermediate_size: 21_504,
    num_hidden_layers: 62,
    num_attention_heads: 32,
    num_key_value_heads: 16,
    head_dim: 128,
  },
}

const TINY = parseGemma3Config({
  model_type: 'gemma3',
  text_config: { hidden_size: 8, intermediate_size: 12, num_hidden_layers: 2, head_dim: 4, vocab_size: 32 },
  vision_config: {
    hidden_size: 6,
    intermediate_size: 10,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    image_size: 28,
  },
  mm_tokens_per_image: 1,
})
const TINY_TEXT = parseGemma3Config({
  model_type: 'gemma3_text',
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  head_dim: 4,
  vocab_size: 32,
})

/** From the canonical prefixes to those of each dialect. */
const DIALECTS: Record<string, (name: string) => string> = {
  'the released files': (name) =>
    name.replace('language_model.', 'language_model.model.').replace('vision_tower.', 'vision_tower.vision_model.'),
  'Transformers 4.52 to 5.7 in memory': (name) =>
    `model.${name.replace('vision_tower.', 'vision_tower.vision_model.')}`,
  'Transformers 5.8 on in memory': (name) => `model.${name}`,
  'files saved by Transformers 5.18': (name) => name.replace('language_model.', 'language_model.model.'),
}

type Edit = { dtype?: StoredDType; shape?: readonly number[] }

/** A checkpoint that fits the config, its names rewritten, with some tensors changed (by stored name) or removed. */
function checkpoint(
  config: Gemma3Config,
  rename = (name: string) => name,
  edits: Record<string, Edit | null> = {},
): Checkpoint {
  const shapes = new Map<string, Edit | null>(
    [...expectedTensors(config)].map(([name, shape]) => [rename(name), { shape }]),
  )
  for (const [name, edit] of Object.entries(edits))
    shapes.set(name, edit === null ? null : { ...shapes.get(name), ...edit })
  const kept = [...shapes].flatMap(([name, edit]) =>
    edit === null ? [] : [{ name, dtype: 'F32' as const, shape: [1], ...edit }],
  )
  return { tensors: new Map(kept.map((entry) => [entry.name, { ...entry, file: 'f', offset: 0, bytes: 0 }])) }
}

function fault(broken: Checkpoint, config = TINY): string {
  try {
    bindWeights(broken, config)
  } catch (thrown) {
    if (AppError.isInstance(thrown) && thrown.code === 'weights.invalid') return thrown.detail
    throw thrown
  }
  throw new Error('expected weights.invalid')
}

describe('expectedTensors', () => {
  it.each([
    ['270m', 236],
    ['1b', 340],
    ['4b', 883],
    ['12b', 1065],
    ['27b', 1247],
  ] as const)('lists every tensor of the %s model', (size, count) => {
    const sizes = TEXT_SIZES[size]
    const isTextOnly = size === '270m' || size === '1b'
    const json = isTextOnly
      ? { model_type: 'gemma3_text', num_key_value_heads: 1, ...sizes }
      : { model_type: 'gemma3', text_config: sizes }
    expect(expectedTensors(parseGemma3Config(json)).size).toBe(count)
  })

  it('knows the shapes of the 27b model, whose head size is its own', () => {
    const tensors = expectedTensors(parseGemma3Config({ model_type: 'gemma3', text_config: TEXT_SIZES['27b'] }))
    expect(tensors.get('language_model.embed_tokens.weight')).toEqual([262_208, 5376])
    expect(tensors.get('language_model.layers.61.self_attn.q_proj.weight')).toEqual([4096, 5376])
    expect(tensors.get('language_model.layers.61.self_attn.k_proj.weight')).toEqual([2048, 5376])
    expect(tensors.get('language_model.layers.61.self_attn.o_proj.weight')).toEqual([5376, 4096])
    expect(tensors.get('language_model.layers.0.self_attn.q_norm.weight')).toEqual([128])
    expect(tensors.get('language_model.layers.0.mlp.down_proj.weight')).toEqual([5376, 21_504])
    expect(tensors.get('vision_tower.embeddings.patch_embedding.weight')).toEqual([1152, 3, 14, 14])
    expect(tensors.get('vision_tower.embeddings.position_embedding.weight')).toEqual([4096, 1152])
    expect(tensors.get('vision_tower.encoder.layers.26.mlp.fc1.weight')).toEqual([4304, 1152])
    expect(tensors.get('vision_tower.encoder.layers.26.mlp.fc2.bias')).toEqual([1152])
    expect(tensors.get('multi_modal_projector.mm_input_projection_weight')).toEqual([1152, 5376])
  })
})

describe('canonicalName', () => {
  it.each(Object.entries(DIALECTS))('undoes the prefixes of %s', (_, rename) => {
    for (const name of expectedTensors(TINY).keys()) expect(canonicalName(rename(name))).toBe(name)
  })

  it('undoes the prefixes of the text-only class', () => {
    for (const name of expectedTensors(TINY_TEXT).keys()) {
      expect(canonicalName(name.replace('language_model.', 'model.'))).toBe(name)
    }
  })
})

describe('bindWeights', () => {
  it.each(Object.entries(DIALECTS))('binds the names of %s', (_, rename) => {
    const bound = bindWeights(checkpoint(TINY, rename), TINY)
    expect([...bound.keys()].sort()).toEqual([...expectedTensors(TINY).keys()].sort())
    const query = 'language_model.layers.1.self_attn.q_proj.weight'
    expect(bound.get(query)).toMatchObject({ name: rename(query), shape: [32, 8] })
  })

  it('binds the names of the text-only class', () => {
    const rename = (name: string) => name.replace('language_model.', 'model.')
    expect(bindWeights(checkpoint(TINY_TEXT, rename), TINY_TEXT).size).toBe(28)
  })

  it('binds each float type', () => {
    const edits = {
      'language_model.norm.weight': { dtype: 'BF16' },
      'vision_tower.post_layernorm.bias': { dtype: 'F16' },
    } as const
    const bound = bindWeights(checkpoint(TINY, undefined, edits), TINY)
    expect(bound.get('language_model.norm.weight')?.dtype).toBe('BF16')
  })

  it.each([
    'lm_head.weight',
    'language_model.lm_head.weight',
    'vision_tower.vision_model.head.probe',
    'model.vision_tower.head.mlp.fc1.bias',
  ])('ignores %s', (name) => {
    const withExtra = checkpoint(TINY, undefined, { [name]: { shape: [32, 8] } })
    expect(bindWeights(withExtra, TINY)).toEqual(bindWeights(checkpoint(TINY), TINY))
  })

  it('names every missing, unexpected and misshapen tensor in one error', () => {
    const message = fault(
      checkpoint(TINY, undefined, {
        'language_model.norm.weight': null,
        'vision_tower.post_layernorm.bias': null,
        'language_model.layers.2.mlp.up_proj.weight': { shape: [12, 8] },
        'language_model.layers.0.mlp.up_proj.weight': { shape: [8, 12] },
        'language_model.layers.1.mlp.up_proj.weight': { dtype: 'I8' },
      }),
    )
    expect(message).toContain('2 missing: language_model.norm.weight, vision_tower.post_layernorm.bias')
    expect(message).toContain('1 unexpected: language_model.layers.2.mlp.up_proj.weight')
    expect(message).toContain(
      'language_model.layers.0.mlp.up_proj.weight (expected F32, F16 or BF16 [12,8], found F32 [8,12])',
    )
    expect(message).toContain(
      'language_model.layers.1.mlp.up_proj.weight (expected F32, F16 or BF16 [12,8], found I8 [12,8])',
    )
  })

  it('names a tensor that two dialects both bring', () => {
    const again = checkpoint(TINY, undefined, { 'language_model.model.norm.weight': { shape: [8] } })
    expect(fault(again)).toContain('1 under a second name: language_model.model.norm.weight')
  })

  it('tells the number of faults when they are too many to list', () => {
    const message = fault({ tensors: new Map() })
    expect(message).toMatch(/51 missing: (\S+, ){7}\S+ and 43 more\.$/)
  })

  it('refuses the vision tensors of a checkpoint whose config is text-only', () => {
    expect(fault(checkpoint(TINY), TINY_TEXT)).toContain(
      '23 unexpected: vision_tower.embeddings.patch_embedding.weight',
    )
  })
})
