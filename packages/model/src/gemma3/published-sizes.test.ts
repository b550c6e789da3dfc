/** Every released size is built without weights: what must fit is shapes and names. */
import { describe, expect, it } from 'vitest'
import { type Gemma3Config, parseGemma3Config } from './config.ts'
import type { TensorSource } from './parameters.ts'
import { paperWeights } from './testing/paper-weights.ts'
import { languageModelGraph } from './text.ts'
import { visionGraph } from './vision.ts'

const VISION = { model_type: 'siglip_vision_model', hidden_size: 1152, intermediate_size: 4304, num_hidden_layers: 27 }
const SCALED = { rope_scaling: { factor: 8, rope_type: 'linear' }, sliding_window: 1024 }

const vl = (text: object) => ({
  model_type: 'gemma3',
  vision_config: { ...VISION, num_attention_heads: 16, image_size: 896, patch_size: 14 },
  text_config: { model_type: 'gemma3_text', ...SCALED, ...text },
})
const textOnly = (text: object) => ({
  model_type: 'gemma3_text',
  num_attention_heads: 4,
  num_key_value_heads: 1,
  vocab_size: 262144,
  sliding_window: 512,
  ...text,
})

/** As the released files say it; 4b relies on defaults for its heads. Tensors: of the released checkpoints. */
const SIZES: Record<string, { json: object; tensors: number }> = {
  '270m': { json: textOnly({ hidden_size: 640, num_hidden_layers: 18, intermediate_size: 2048 }), tensors: 236 },
  '1b': { json: textOnly({ hidden_size: 1152, num_hidden_layers: 26, intermediate_size: 6912 }), tensors: 340 },
  '4b': { json: vl({ hidden_size: 2560, num_hidden_layers: 34, intermediate_size: 10240 }), tensors: 883 },
  '12b': {
    json: vl({
      hidden_size: 3840,
      num_hidden_layers: 48,
      intermediate_size: 15360,
      num_attention_heads: 16,
      num_key_value_heads: 8,
    }),
    tensors: 1065,
  },
  '27b': {
    json: vl({
      hidden_size: 5376,
      num_hidden_layers: 62,
      intermediate_size: 21504,
      num_attention_heads: 32,
      num_key_value_heads: 16,
      head_dim: 128,
      query_pre_attn_scalar: 168,
    }),
    tensors: 1247,
  },
}

function buildAll(config: Gemma3Config, source: TensorSource): Uint8Array[] {
  const language = languageModelGraph(config, source)
  return config.vision === undefined ? [language] : [language, visionGraph(config, config.vision, source)]
}

describe.each(Object.entries(SIZES))('gemma 3 %s', (_, { json, tensors }) => {
  it('builds, and reads every tensor of its checkpoint', () => {
    const config = parseGemma3Config(json)
    const { source, used, names } = paperWeights(config)
    const graphs = buildAll(config, source)
    expect([...used].sort()).toEqual(names.sort())
    expect(names).toHaveLength(tensors)
    // Weights stay outside: even 27b is a graph of a few megabytes.
    for (const graph of graphs) expect(graph.byteLength).toBeLessThan(4e6)
  })

  it('builds over blocks of 4 bits with offsets', () => {
    const config = parseGemma3Config(json)
    const { inBlocks, used, names } = paperWeights(config)
    const graphs = buildAll(config, inBlocks(4))
    expect([...used].sort()).toEqual(names.sort())
    for (const graph of graphs) expect(graph.byteLength).toBeLessThan(4e6)
  })

  it('builds over columns of 8 bits in the tower', () => {
    const config = parseGemma3Config(json)
    const { inColumns, used, names } = paperWeights(config)
    const graphs = buildAll(config, inColumns)
    expect([...used].sort()).toEqual(names.sort())
    for (const graph of graphs) expect(graph.byteLength).toBeLessThan(4e6)
  })
})

describe('building', () => {
  const config = parseGemma3Config(SIZES['4b']?.json)

  it('names the weight whose shape does not fit', () => {
    const { source } = paperWeights(config)
    const name = 'language_model.layers.7.mlp.up_proj.weight'
    const wrong = (asked: string) => (asked === name ? { ...source(asked), shape: [10240, 2561] } : source(asked))
    expect(() => buildAll(config, wrong)).toThrow(
      'language_model.layers.7.mlp.up_proj.weight: expected a weight of shape [10240, 2560], found [10240, 2561]',
    )
  })

  it('names the weight that cannot be in blocks', () => {
    const { source, inBlocks } = paperWeights(config)
    const query = inBlocks(4)('language_model.layers.0.self_attn.q_proj.weight')
    const name = 'language_model.layers.7.post_attention_layernorm.weight'
    const wrong = (asked: string) => (asked === name ? query : source(asked))
    expect(() => buildAll(config, wrong)).toThrow(`${name}: expected a weight stored as numbers, found blocks`)
  })

  it('names the weight that cannot be in columns', () => {
    const { source, inColumns } = paperWeights(config)
    const query = inColumns('vision_tower.encoder.layers.0.self_attn.q_proj.weight')
    const name = 'vision_tower.encoder.layers.7.layer_norm1.weight'
    const wrong = (asked: string) => (asked === name ? query : source(asked))
    expect(() => buildAll(config, wrong)).toThrow(`${name}: expected a weight stored as numbers, found columns`)
  })

  it('names the weight whose columns do not fit', () => {
    const { inColumns } = paperWeights(config)
    const name = 'vision_tower.encoder.layers.3.mlp.fc2.weight'
    const other = inColumns('vision_tower.encoder.layers.3.mlp.fc1.weight')
    const wrong = (asked: string) => (asked === name ? other : inColumns(asked))
    expect(() => buildAll(config, wrong)).toThrow(
      `${name}: expected a weight of shape [1152, 4304], found [4304, 1152]`,
    )
  })

  it('names the weight whose blocks do not fit', () => {
    const { inBlocks } = paperWeights(config)
    const name = 'vision_tower.encoder.layers.3.mlp.fc2.weight'
    const other = inBlocks(4)('vision_tower.encoder.layers.3.mlp.fc1.weight')
    const wrong = (asked: string) => (asked === name ? other : inBlocks(4)(asked))
    expect(() => buildAll(config, wrong)).toThrow(
      `${name}: expected a weight of shape [1152, 4304], found [4304, 1152]`,
    )
  })

  it('reads every field of the config that changes what is computed', () => {
    const { source } = paperWeights(config)
    const { text, vision } = config
    const unread = new Set<string>()
    const watched = <T extends object>(part: string, target: T): T => {
      for (const key of Object.keys(target)) unread.add(`${part}.${key}`)
      return new Proxy(target, {
        get(object, key) {
          unread.delete(`${part}.${String(key)}`)
          return Reflect.get(object, key)
        },
      })
    }
    const ropes = {
      ropeLocal: watched('ropeLocal', text.ropeLocal),
      ropeGlobal: watched('ropeGlobal', text.ropeGlobal),
    }
    const watchedVision = vision === undefined ? undefined : watched('vision', vision)
    const watchedText = watched('text', { ...text, ...ropes })
    buildAll({ ...config, text: watchedText, vision: watchedVision }, source)
    // The longest sequence is a limit on requests.
    expect([...unread]).toEqual(['text.contextTokens'])
  })
})
