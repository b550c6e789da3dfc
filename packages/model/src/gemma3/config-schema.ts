import { z } from 'zod'
import { IGNORED_TEXT_KEYS, IGNORED_TOP_KEYS, IGNORED_VISION_KEYS } from './config-keys.ts'

// The `error` of each schema completes the sentence "expected ..., found ...".
// The upper bounds are far above any model and keep a hostile file from asking for gigabytes.

function whole(min: number, max: number, error = `a whole number from ${min} to ${max}`) {
  return z.int({ error }).min(min, { error }).max(max, { error })
}

/** A number of elements along one axis. */
export const size = whole(1, 2 ** 24)
export const layerCount = whole(1, 1024)
/** Graphs hold float32: what is not a normal number there would become zero or infinite. */
const NORMAL_FLOAT32 = [2 ** -126, 2 ** 127] as const
const aPositive = 'a positive number in the range of float32'
export const positive = z
  .number({ error: aPositive })
  .min(NORMAL_FLOAT32[0], { error: aPositive })
  .max(NORMAL_FLOAT32[1], { error: aPositive })
export const tokenId = whole(0, 2 ** 24, 'a token id')
const tokenIds = z
  .union([tokenId, z.array(tokenId).max(64)], { error: 'a token id or a list of token ids' })
  .transform((ids) => (typeof ids === 'number' ? [ids] : ids))
  .refine((ids) => ids.length > 0, { error: 'at least one token id' })
const onlyGelu = z.literal('gelu_pytorch_tanh', { error: '"gelu_pytorch_tanh", the only activation of Gemma 3' })
const onlyNull = z.null({ error: 'null: Gemma 3 caps no logits' })
const onlyTied = z.literal(true, { error: 'true: the embedding table is also the head of Gemma 3' })
const onlyCausal = z.literal(false, { error: 'false: bidirectional text attention is not supported' })
const onlyBiasFree = z.literal(false, { error: 'false: the attention of Gemma 3 has no bias' })

/** A strict object that drops the keys of an ignore list first. */
function fields<Shape extends z.ZodRawShape>(ignored: ReadonlySet<string>, shape: Shape) {
  return z.preprocess(
    (value) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
      return Object.fromEntries(Object.entries(value).filter(([key]) => !ignored.has(key)))
    },
    z.strictObject(shape, { error: objectError }),
  )
}

function objectError(issue: { code?: string }): string | undefined {
  return issue.code === 'invalid_type' ? 'a JSON object' : undefined
}

const ropeType = z.enum(['default', 'linear'], { error: 'the rope type "default" or "linear"' })

/** One rotary embedding in either dialect; `type` is the older spelling of `rope_type`. */
const rope = fields(new Set<string>(), {
  rope_type: ropeType.optional(),
  type: ropeType.optional(),
  rope_theta: positive.optional(),
  factor: positive.nullish(),
})

const layerTypes = z.array(
  z.enum(['sliding_attention', 'full_attention'], { error: '"sliding_attention" or "full_attention"' }),
  { error: 'a list of layer types' },
)

const textShape = {
  model_type: z.literal('gemma3_text', { error: '"gemma3_text"' }).optional(),
  vocab_size: size.default(262_208),
  hidden_size: size.default(2304),
  intermediate_size: size.default(9216),
  num_hidden_layers: layerCount.default(26),
  num_attention_heads: size.default(8),
  num_key_value_heads: size.default(4),
  head_dim: size.default(256),
  hidden_activation: onlyGelu.optional(),
  max_position_embeddings: size.default(131_072),
  rms_norm_eps: positive.default(1e-6),
  query_pre_attn_scalar: positive.default(256),
  sliding_window: size.default(4096),
  sliding_window_pattern: size.nullish(),
  _sliding_window_pattern: size.nullish(),
  layer_types: layerTypes.nullish(),
  rope_theta: positive.nullish(),
  rope_local_base_freq: positive.nullish(),
  rope_scaling: rope.nullish(),
  rope_parameters: fields(new Set<string>(), {
    full_attention: rope.nullish(),
    sliding_attention: rope.nullish(),
  }).nullish(),
  attention_bias: onlyBiasFree.nullish(),
  use_bidirectional_attention: onlyCausal.nullish(),
  attn_logit_softcapping: onlyNull.optional(),
  final_logit_softcapping: onlyNull.optional(),
  tie_word_embeddings: onlyTied.optional(),
  bos_token_id: tokenId.nullish(),
  eos_token_id: tokenIds.nullish(),
  pad_token_id: tokenId.nullish(),
}

/** `text_config`, or the whole of a text-only `config.json`. Defaults are those of Transformers' class. */
export const rawTextConfig = fields(IGNORED_TEXT_KEYS, textShape)

/**
 * `vision_config`. Defaults are SigLIP so400m at 896 pixels, the tower of every released size; Transformers' class would
 * give the base size at 224 pixels, which no Gemma has.
 */
const rawVisionConfig = fields(IGNORED_VISION_KEYS, {
  model_type: z.literal('siglip_vision_model', { error: '"siglip_vision_model"' }).optional(),
  hidden_size: size.default(1152),
  intermediate_size: size.default(4304),
  num_hidden_layers: layerCount.default(27),
  num_attention_heads: size.default(16),
  num_channels: z.literal(3, { error: '3 channels: pictures are RGB' }).default(3),
  image_size: size.default(896),
  patch_size: size.default(14),
  layer_norm_eps: positive.default(1e-6),
  hidden_act: onlyGelu.optional(),
})

/** A vision-language `config.json`. */
export const rawVisionLanguageConfig = fields(IGNORED_TOP_KEYS, {
  model_type: z.literal('gemma3', { error: '"gemma3"' }).optional(),
  text_config: z.preprocess((value) => value ?? {}, rawTextConfig),
  vision_config: z.preprocess((value) => value ?? {}, rawVisionConfig),
  mm_tokens_per_image: size.default(256),
  image_token_index: tokenId.optional(),
  image_token_id: tokenId.optional(),
  boi_token_index: tokenId.optional(),
  boi_token_id: tokenId.optional(),
  eoi_token_index: tokenId.optional(),
  eoi_token_id: tokenId.optional(),
  tie_word_embeddings: onlyTied.optional(),
  bos_token_id: tokenId.nullish(),
  eos_token_id: tokenIds.nullish(),
  pad_token_id: tokenId.nullish(),
})

const atLeastZero = z.number({ error: 'a number of at least 0' }).min(0, { error: 'a number of at least 0' })
const share = z
  .number({ error: 'a number from 0 to 1' })
  .min(0, { error: 'a number from 0 to 1' })
  .max(1, { error: 'a number from 0 to 1' })

/** `generation_config.json`: only what chooses a token; the defaults are those of Transformers' class. */
export const rawGenerationConfig = z.object(
  {
    eos_token_id: tokenIds.nullish(),
    do_sample: z.boolean({ error: 'true or false' }).default(false),
    temperature: atLeastZero.default(1),
    top_k: whole(0, 2 ** 24).nullish(),
    top_p: share.nullish(),
  },
  { error: objectError },
)

export type RawTextConfig = z.output<typeof rawTextConfig>
export type RawVisionConfig = z.output<typeof rawVisionConfig>
export type RawVisionLanguageConfig = z.output<typeof rawVisionLanguageConfig>
