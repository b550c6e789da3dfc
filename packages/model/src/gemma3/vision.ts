import { Graph } from '../graph/graph.ts'
import { add, cast, geluTanh } from '../graph/ops/arithmetic.ts'
import { reshape } from '../graph/ops/layout.ts'
import type { Value } from '../graph/value.ts'
import { type SelfAttentionWeights, selfAttention } from '../layers/attention.ts'
import { type LayerNormWeights, layerNorm } from '../layers/layer-norm.ts'
import { type LinearWeights, linear } from '../layers/linear.ts'
import { patchEmbed } from '../layers/patch-embed.ts'
import type { Gemma3Config, VisionConfig } from './config.ts'
import { CPU_POLICY, type DTypePolicy, type FloatType } from './dtype-policy.ts'
import { type ParameterOptions, type Parameters, parameters, type TensorSource } from './parameters.ts'
import { project, projectorSizes } from './projector.ts'

type Patches = Value<'b p d'>

/**
 * The vision tower and the projector in one graph.
 *
 * Input `patches`: `[b, p, y·x·channel]` float32 from -1 to 1, patches row by row, channels fastest. Outputs:
 * `last_hidden_state` `[b, p, d]` after the closing norm, and `image_features` `[b, m, d of the language model]`.
 *
 * @returns ONNX bytes whose weights are external data of the checkpoint's files
 * @throws AppError `graph.shape_mismatch` naming the weight that does not fit the config
 */
export function visionGraph(
  config: Gemma3Config,
  vision: VisionConfig,
  source: TensorSource,
  options: VisionOptions = {},
): Uint8Array {
  const g = new Graph()
  const p = parameters(g, source, options)
  const { activations } = options.dtypes ?? CPU_POLICY
  const { patchCount, patchSamples } = patchGeometry(vision)
  const patches = g.input('patches', 'float32', 'b p xyc', ['b', patchCount, patchSamples])
  const states = cast(g, visionTower(g, p, vision, { patches, activations }), 'float32')
  g.output('last_hidden_state', states)
  g.output('image_features', project(g, p, projectorSizes(config, vision), states))
  return g.encode()
}

/** Options of {@link visionGraph}. */
interface VisionOptions extends ParameterOptions {
  /** How to compute; as every CPU does by default. */
  readonly dtypes?: DTypePolicy
}

/** How a picture is cut: `patchCount` patches of `patchSamples` numbers each. */
export function patchGeometry(vision: VisionConfig): { patchCount: number; patchSamples: number } {
  return {
    patchCount: (vision.imageSize / vision.patchSize) ** 2,
    patchSamples: vision.patchSize ** 2 * vision.channels,
  }
}

interface TowerInput {
  readonly patches: Value<'b p xyc'>
  readonly activations: FloatType
}

/**
 * SigLIP without its pooling head.
 *
 * @param patches - `[b, p, y·x·channel]` from -1 to 1
 * @returns `[b, p, d]`, after the closing norm
 * @see https://arxiv.org/abs/2303.15343
 */
function visionTower(g: Graph, p: Parameters, vision: VisionConfig, { patches, activations }: TowerInput): Patches {
  const { hiddenSize: d, layers, heads, layerNormEps, channels, patchSize } = vision
  const path = 'vision_tower'
  const embedding = `${path}.embeddings.patch_embedding`
  const kernel = p.tensor(`${embedding}.weight`, 'd c y x', [d, channels, patchSize, patchSize])
  const bias = p.tensor(`${embedding}.bias`, 'd', [d])
  const { patchCount } = patchGeometry(vision)
  const table = p.tensor(`${path}.embeddings.position_embedding.weight`, 'p d', [patchCount, d])
  const places = g.at(`${path}.embeddings`, () => reshape(g, table, 'b p d', [1, patchCount, d]))

  let x = add(g, patchEmbed(g, { path: embedding, weight: kernel, bias }, patches), places)
  x = cast(g, x, activations)
  for (let layer = 0; layer < layers; layer++) x = encoderLayer(g, encoderWeights(p, vision, layer), x, heads)
  return layerNorm(g, p.layerNorm(`${path}.post_layernorm`, d, layerNormEps), x)
}

interface EncoderWeights {
  readonly path: string
  readonly attentionIn: LayerNormWeights
  readonly attention: SelfAttentionWeights
  readonly mlpIn: LayerNormWeights
  readonly expand: LinearWeights<'d', 'f'>
  readonly contract: LinearWeights<'f', 'd'>
}

/** One pre-norm encoder layer. @param x - `[b, p, d]` */
function encoderLayer(g: Graph, w: EncoderWeights, x: Patches, heads: number): Patches {
  return g.at(w.path, () => {
    const middle = add(g, x, selfAttention(g, w.attention, layerNorm(g, w.attentionIn, x), heads))
    const wide = geluTanh(g, linear(g, w.expand, layerNorm(g, w.mlpIn, middle))) // [b, p, f]
    return add(g, middle, linear(g, w.contract, wide))
  })
}

function encoderWeights(p: Parameters, vision: VisionConfig, layer: number): EncoderWeights {
  const { hiddenSize: d, intermediateSize: f, layerNormEps } = vision
  const path = `vision_tower.encoder.layers.${layer}`
  return {
    path,
    attentionIn: p.layerNorm(`${path}.layer_norm1`, d, layerNormEps),
    attention: {
      query: p.affine(`${path}.self_attn.q_proj`, ['d', 'nh'], [d, d]),
      key: p.affine(`${path}.self_attn.k_proj`, ['d', 'nh'], [d, d]),
      value: p.affine(`${path}.self_attn.v_proj`, ['d', 'nh'], [d, d]),
      output: p.affine(`${path}.self_attn.out_proj`, ['nh', 'd'], [d, d]),
    },
    mlpIn: p.layerNorm(`${path}.layer_norm2`, d, layerNormEps),
    expand: p.affine(`${path}.mlp.fc1`, ['d', 'f'], [d, f]),
    contract: p.affine(`${path}.mlp.fc2`, ['f', 'd'], [f, d]),
  }
}
