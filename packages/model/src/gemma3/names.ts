/**
 * Checkpoint spellings live here and nowhere else. Five prefix dialects are in use:
 *
 * | origin | language model | vision tower | projector |
 * | --- | --- | --- | --- |
 * | released files | `language_model.model.` | `vision_tower.vision_model.` | `multi_modal_projector.` |
 * | Transformers 4.52 to 5.7 in memory | `model.language_model.` | `model.vision_tower.vision_model.` | `model.multi_modal_projector.` |
 * | Transformers 5.8 on in memory | `model.language_model.` | `model.vision_tower.` | `model.multi_modal_projector.` |
 * | saved by Transformers 5.18 | `language_model.model.` | `vision_tower.` | `multi_modal_projector.` |
 * | text-only class | `model.` | - | - |
 *
 * The canonical one is `language_model.`, `vision_tower.`, `multi_modal_projector.`, each without a further prefix.
 */
import type { Gemma3Config, TextConfig, VisionConfig } from './config.ts'

/** Where the decoder's weights start, in the canonical spelling. */
export const TEXT_PREFIX = 'language_model.'
/** Where the vision tower's weights start, in the canonical spelling. */
export const VISION_PREFIX = 'vision_tower.'
/** Where the projector's weights start, in the canonical spelling. */
export const PROJECTOR_PREFIX = 'multi_modal_projector.'
/** The embedding table, which is the head as well. */
export const TOKEN_EMBEDDING = `${TEXT_PREFIX}embed_tokens.weight`
/** The norm behind the last decoder layer. */
export const FINAL_NORM = `${TEXT_PREFIX}norm.weight`

/** Tensors a checkpoint may carry that the model never reads: the tied head, and SigLIP's pooling head. */
const IGNORED = [/^(language_model\.)?lm_head\.weight$/, /^vision_tower\.head\./]

const REWRITES: readonly (readonly [RegExp, string])[] = [
  [/^model\./, ''],
  [/^language_model\.model\./, TEXT_PREFIX],
  [/^vision_tower\.vision_model\./, VISION_PREFIX],
  [/^(embed_tokens|layers|norm)\./, `${TEXT_PREFIX}$1.`],
]

/** The canonical spelling of a checkpoint's tensor name, from any of the five dialects. */
export function canonicalName(stored: string): string {
  return REWRITES.reduce((name, [pattern, prefix]) => name.replace(pattern, prefix), stored)
}

/** True for a tensor that may be present and is not read, by its canonical name. */
export function isIgnored(canonical: string): boolean {
  return IGNORED.some((pattern) => pattern.test(canonical))
}

/** True for a weight that may be stored in blocks: a linear map of a layer, or the embedding table. */
export function isMatrix(canonical: string): boolean {
  return canonical === TOKEN_EMBEDDING || /\.layers\.\d+\.(self_attn|mlp)\.(\w+_proj|fc[12])\.weight$/.test(canonical)
}

/** The decoder layer, 0-based, that a canonical name belongs to; `undefined` for everything outside of the layers. */
export function decoderLayer(canonical: string): number | undefined {
  const [, layer] = /^language_model\.layers\.(\d+)\./.exec(canonical) ?? []
  return layer === undefined ? undefined : Number(layer)
}

type Shapes = Record<string, readonly number[]>

/** Every tensor that a model of this config reads: canonical name to shape. */
export function expectedTensors(config: Gemma3Config): Map<string, readonly number[]> {
  const { text, vision } = config
  const parts = [prefixed(TEXT_PREFIX, textShapes(text))]
  if (vision !== undefined) {
    parts.push(prefixed(VISION_PREFIX, visionShapes(vision)))
    parts.push(prefixed(PROJECTOR_PREFIX, projectorShapes(text, vision)))
  }
  return new Map(parts.flat())
}

function prefixed(prefix: string, shapes: Shapes): (readonly [string, readonly number[]])[] {
  return Object.entries(shapes).map(([name, shape]) => [prefix + name, shape])
}

function textShapes(config: TextConfig): Shapes {
  const shapes: Shapes = {
    'embed_tokens.weight': [config.vocabSize, config.hiddenSize],
    'norm.weight': [config.hiddenSize],
  }
  for (let layer = 0; layer < config.layers; layer++) {
    for (const [name, shape] of prefixed(`layers.${layer}.`, decoderLayerShapes(config))) shapes[name] = shape
  }
  return shapes
}

function decoderLayerShapes(config: TextConfig): Shapes {
  const { hiddenSize: d, intermediateSize: f, headSize: h } = config
  const queryWidth = config.queryHeads * h
  const keyWidth = config.keyHeads * h
  return {
    'input_layernorm.weight': [d],
    'self_attn.q_proj.weight': [queryWidth, d],
    'self_attn.k_proj.weight': [keyWidth, d],
    'self_attn.v_proj.weight': [keyWidth, d],
    'self_attn.o_proj.weight': [d, queryWidth],
    'self_attn.q_norm.weight': [h],
    'self_attn.k_norm.weight': [h],
    // Unlike in Llama, this one norms what attention returns.
    'post_attention_layernorm.weight': [d],
    'pre_feedforward_layernorm.weight': [d],
    'mlp.gate_proj.weight': [f, d],
    'mlp.up_proj.weight': [f, d],
    'mlp.down_proj.weight': [d, f],
    'post_feedforward_layernorm.weight': [d],
  }
}

function visionShapes(config: VisionConfig): Shapes {
  const { hiddenSize: d, channels, patchSize, imageSize } = config
  const shapes: Shapes = {
    'embeddings.patch_embedding.weight': [d, channels, patchSize, patchSize],
    'embeddings.patch_embedding.bias': [d],
    'embeddings.position_embedding.weight': [(imageSize / patchSize) ** 2, d],
    'post_layernorm.weight': [d],
    'post_layernorm.bias': [d],
  }
  for (let layer = 0; layer < config.layers; layer++) {
    for (const [name, shape] of prefixed(`encoder.layers.${layer}.`, visionLayerShapes(config))) shapes[name] = shape
  }
  return shapes
}

function visionLayerShapes({ hiddenSize: d, intermediateSize: f }: VisionConfig): Shapes {
  return {
    ...affine('layer_norm1', [d]),
    ...affine('layer_norm2', [d]),
    ...affine('self_attn.q_proj', [d, d]),
    ...affine('self_attn.k_proj', [d, d]),
    ...affine('self_attn.v_proj', [d, d]),
    ...affine('self_attn.out_proj', [d, d]),
    ...affine('mlp.fc1', [f, d]),
    ...affine('mlp.fc2', [d, f]),
  }
}

/** A weight and the bias that goes with its first axis. */
function affine(name: string, shape: readonly [number, ...number[]]): Shapes {
  return { [`${name}.weight`]: shape, [`${name}.bias`]: [shape[0]] }
}

function projectorShapes(text: TextConfig, vision: VisionConfig): Shapes {
  return {
    'mm_soft_emb_norm.weight': [vision.hiddenSize],
    // A bare parameter, used un-transposed: features times this.
    mm_input_projection_weight: [vision.hiddenSize, text.hiddenSize],
  }
}
