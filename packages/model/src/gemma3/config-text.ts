import { configFault } from './config-parse.ts'
import type { RawTextConfig } from './config-schema.ts'

/** How far a decoder layer looks back: a window of the last tokens, or everything. */
export type LayerType = 'sliding_attention' | 'full_attention'

/** Rotary position embedding of one kind of layer: the angle of lane `j` is `position / factor * theta^(-2j/h)`. */
export interface RotaryConfig {
  /** The base of the angles: 10,000 in local layers, 1,000,000 in global ones. */
  readonly theta: number
  /** Linear stretch of the positions; 1 for none. */
  readonly factor: number
}

/** The language model. Sizes are counts of elements, not bytes. */
export interface TextConfig {
  /** Rows of the embedding table, v. May exceed the tokenizer: the last rows are padding that no text maps to. */
  readonly vocabSize: number
  /** d */
  readonly hiddenSize: number
  /** f */
  readonly intermediateSize: number
  /** Decoder layers. */
  readonly layers: number
  /** n */
  readonly queryHeads: number
  /** k; divides `queryHeads` */
  readonly keyHeads: number
  /** h; even, and not `hiddenSize / queryHeads` in any released size */
  readonly headSize: number
  /** Keys a query of a sliding layer sees, itself included. */
  readonly slidingWindow: number
  /** Attention scores are multiplied by this number to the power -1/2. */
  readonly queryPreAttnScalar: number
  /** Added to the mean square of every RMS norm. */
  readonly rmsNormEps: number
  /** Longest sequence the model was trained for, tokens. */
  readonly contextTokens: number
  /** One entry a layer, first layer first. */
  readonly layerTypes: readonly LayerType[]
  /** Of sliding layers. */
  readonly ropeLocal: RotaryConfig
  /** Of full layers. */
  readonly ropeGlobal: RotaryConfig
}

/** Thetas and pattern of Transformers' Gemma 3 class; released files leave them out. */
const DEFAULTS = { globalTheta: 1e6, localTheta: 1e4, fullEvery: 6 } as const

/**
 * Fills in what the two dialects say in different words, and checks that the sizes fit each other.
 *
 * @param file - the name that an error message starts with
 * @param prefix - where the text settings lie in the file: `''` or `'text_config.'`
 * @throws AppError `config.invalid` naming every key at fault
 */
export function resolveTextConfig(raw: RawTextConfig, file: string, prefix: string): TextConfig {
  const layerTypes = raw.layer_types ?? patternOf(raw)
  const faults: string[] = []
  if (layerTypes.length !== raw.num_hidden_layers) {
    faults.push(`${prefix}layer_types: expected ${raw.num_hidden_layers} entries, found ${layerTypes.length}`)
  }
  if (raw.num_attention_heads % raw.num_key_value_heads !== 0) {
    const expected = `a divisor of the ${raw.num_attention_heads} query heads`
    faults.push(`${prefix}num_key_value_heads: expected ${expected}, found ${raw.num_key_value_heads}`)
  }
  if (raw.head_dim % 2 !== 0) faults.push(`${prefix}head_dim: expected an even number, found ${raw.head_dim}`)
  const { ropeLocal, ropeGlobal } = rotary(raw, prefix, faults)
  if (faults.length > 0) throw configFault(file, faults)
  return {
    vocabSize: raw.vocab_size,
    hiddenSize: raw.hidden_size,
    intermediateSize: raw.intermediate_size,
    layers: raw.num_hidden_layers,
    queryHeads: raw.num_attention_heads,
    keyHeads: raw.num_key_value_heads,
    headSize: raw.head_dim,
    slidingWindow: raw.sliding_window,
    queryPreAttnScalar: raw.query_pre_attn_scalar,
    rmsNormEps: raw.rms_norm_eps,
    contextTokens: raw.max_position_embeddings,
    layerTypes,
    ropeLocal,
    ropeGlobal,
  }
}

/** Every sixth layer is full, unless the file says otherwise. */
function patternOf(raw: RawTextConfig): LayerType[] {
  const every = raw.sliding_window_pattern ?? raw._sliding_window_pattern ?? DEFAULTS.fullEvery
  return Array.from({ length: raw.num_hidden_layers }, (_, layer) =>
    (layer + 1) % every === 0 ? 'full_attention' : 'sliding_attention',
  )
}

/** The flat dialect's `rope_scaling` is about full layers only; where both dialects speak, it wins as in Transformers. */
function rotary(raw: RawTextConfig, prefix: string, faults: string[]) {
  const nested = raw.rope_parameters
  const full = { ...nested?.full_attention, ...raw.rope_scaling }
  const sliding = { ...nested?.sliding_attention }
  const fullKey = raw.rope_scaling ? 'rope_scaling' : 'rope_parameters.full_attention'
  return {
    ropeGlobal: {
      theta: full.rope_theta ?? raw.rope_theta ?? DEFAULTS.globalTheta,
      factor: ropeFactor(full, `${prefix}${fullKey}`, faults),
    },
    ropeLocal: {
      theta: sliding.rope_theta ?? raw.rope_local_base_freq ?? DEFAULTS.localTheta,
      factor: ropeFactor(sliding, `${prefix}rope_parameters.sliding_attention`, faults),
    },
  }
}

type RawRope = Partial<NonNullable<RawTextConfig['rope_scaling']>>

function ropeFactor(rope: RawRope, key: string, faults: string[]): number {
  const type = rope.rope_type ?? rope.type ?? 'default'
  if (type === 'default') return 1
  if (typeof rope.factor === 'number') return rope.factor
  faults.push(`${key}.factor: expected a positive number beside the rope type "linear", found nothing`)
  return 1
}
