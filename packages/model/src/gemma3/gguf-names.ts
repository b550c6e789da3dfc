/**
 * GGUF's spellings of the tensors, as llama.cpp's converter writes them: the language model in one file, the vision tower
 * and the projector in another ("mmproj"). Sizes and order of the numbers are those of the Hugging Face files.
 */
import { elementsOf } from '../weights/dtype.ts'
import type { GgufTensor } from '../weights/gguf-types.ts'
import { PROJECTOR_PREFIX, TEXT_PREFIX, VISION_PREFIX } from './names.ts'

const DECODER = table({
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  post_attention_norm: 'post_attention_layernorm',
  ffn_norm: 'pre_feedforward_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
  post_ffw_norm: 'post_feedforward_layernorm',
})

const ENCODER = table({
  ln1: 'layer_norm1',
  ln2: 'layer_norm2',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_out: 'self_attn.out_proj',
  ffn_up: 'mlp.fc1',
  ffn_down: 'mlp.fc2',
})

/** `mm.input_projection` is stored `[in, out]`, as Hugging Face stores it. */
const WHOLE = table({
  'token_embd.weight': `${TEXT_PREFIX}embed_tokens.weight`,
  'output_norm.weight': `${TEXT_PREFIX}norm.weight`,
  // The embedding table is the head of Gemma 3, whatever else a file offers.
  'output.weight': 'lm_head.weight',
  'v.patch_embd.weight': `${VISION_PREFIX}embeddings.patch_embedding.weight`,
  'v.patch_embd.bias': `${VISION_PREFIX}embeddings.patch_embedding.bias`,
  'v.position_embd.weight': `${VISION_PREFIX}embeddings.position_embedding.weight`,
  'v.post_ln.weight': `${VISION_PREFIX}post_layernorm.weight`,
  'v.post_ln.bias': `${VISION_PREFIX}post_layernorm.bias`,
  'mm.soft_emb_norm.weight': `${PROJECTOR_PREFIX}mm_soft_emb_norm.weight`,
  'mm.input_projection.weight': `${PROJECTOR_PREFIX}mm_input_projection_weight`,
})

const SWAPPED = table({ ffn_up: 'ffn_down', ffn_down: 'ffn_up' })
const LAYER = /^(v\.)?blk\.(\d{1,4})\.(\w+)\.(weight|bias)$/

/**
 * The canonical spelling of each tensor of a file. A tensor that Gemma 3 does not have keeps its name.
 *
 * Published vision files call the first matrix of an MLP `ffn_down` and the second `ffn_up`; others have it right. The
 * first takes the tower's width in, so its shape tells.
 */
export function withCanonicalNames(tensors: ReadonlyMap<string, GgufTensor>): (readonly [string, GgufTensor])[] {
  return Array.from(tensors, ([name, tensor]) => [canonicalName(name, tensors), tensor] as const)
}

function canonicalName(name: string, tensors: ReadonlyMap<string, GgufTensor>): string {
  const [, vision, layer = '', stored = '', kind = ''] = LAYER.exec(name) ?? []
  const role = vision !== undefined && isSwapped(layer, tensors) ? (SWAPPED.get(stored) ?? stored) : stored
  const canonical = vision === undefined ? DECODER.get(role) : ENCODER.get(role)
  if (canonical === undefined) return WHOLE.get(name) ?? name
  const layers = vision === undefined ? `${TEXT_PREFIX}layers` : `${VISION_PREFIX}encoder.layers`
  return `${layers}.${layer}.${canonical}.${kind}`
}

/** True if `ffn_down` of a vision layer reads what the layer norm before it gives. */
function isSwapped(layer: string, tensors: ReadonlyMap<string, GgufTensor>): boolean {
  const norm = tensors.get(`v.blk.${layer}.ln2.weight`)
  const down = tensors.get(`v.blk.${layer}.ffn_down.weight`)
  return norm !== undefined && down !== undefined && down.shape.at(-1) === elementsOf(norm.shape)
}

/**
 * True for the norms whose weight is stored plus one: the converter makes `x · (1 + w)` a plain product. Vision layer
 * norms have no such sum and are stored as they are.
 */
export function isStoredPlusOne(ggufName: string): boolean {
  return ggufName.endsWith('norm.weight')
}

function table(names: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(names))
}
