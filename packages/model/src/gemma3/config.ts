import { configFault, parseConfigFile, show } from './config-parse.ts'
import {
  type RawTextConfig,
  type RawVisionLanguageConfig,
  rawTextConfig,
  rawVisionLanguageConfig,
} from './config-schema.ts'
import { resolveTextConfig, type TextConfig } from './config-text.ts'
import { resolveVisionConfig, type VisionConfig } from './config-vision.ts'

export type { LayerType, RotaryConfig, TextConfig } from './config-text.ts'
export type { VisionConfig } from './config-vision.ts'

/** A Gemma 3 `config.json`, whatever its dialect, with every default filled in. */
export interface Gemma3Config {
  /** Whether it takes pictures. */
  readonly kind: 'vision-language' | 'text'
  /** The language model. */
  readonly text: TextConfig
  /** Present exactly when `kind` is `vision-language`. */
  readonly vision: VisionConfig | undefined
  /** Stands for one image feature in the input ids. In a text model no id means an image: it is `-1`. */
  readonly imageTokenId: number
  /**
   * The same id, also in a text model: one that was made of a model that sees has a row for it, which must never be part
   * of an answer. It may lie beyond the table.
   */
  readonly softTokenId: number
  /** Opens an image in the input ids; `-1` in a text model. */
  readonly boiTokenId: number
  /** Closes an image in the input ids; `-1` in a text model. */
  readonly eoiTokenId: number
  /** Image features of one picture, a square number; 0 in a text model. */
  readonly tokensPerImage: number
  /** Begins every sequence. */
  readonly bosTokenId: number
  /** Every id that ends an answer; at least one. */
  readonly eosTokenIds: readonly number[]
  /** Fills up the shorter rows of a batch. */
  readonly padTokenId: number
}

/** Token ids of Transformers' Gemma 3 classes. */
const TOKENS = { bos: 2, eos: [1], pad: 0, image: 262_144, boi: 255_999, eoi: 256_000 } as const
const NO_TOKEN = -1

/**
 * Reads a Gemma 3 `config.json`: vision-language or text-only, in the flat dialect of Transformers 4 (`rope_theta`,
 * `rope_scaling`, `sliding_window_pattern`) or the nested one of Transformers 5 (`rope_parameters`, `layer_types`).
 *
 * Released files hold little more than the sizes; everything they leave out has the default of Transformers' class.
 *
 * @param json - the parsed file
 * @param file - the name that an error message starts with
 * @throws AppError `config.invalid` naming every key at fault, what was expected and what was found: an unknown key,
 *   sizes that do not fit each other, or a setting that Gemma 3 does not have (soft caps, biases, another activation)
 */
export function parseGemma3Config(json: unknown, file = 'config.json'): Gemma3Config {
  if (modelType(json, file) === 'gemma3_text') return textOnly(parseConfigFile(file, rawTextConfig, json), file)
  return visionLanguage(parseConfigFile(file, rawVisionLanguageConfig, json), file)
}

/** @throws AppError `config.invalid` for a model that is not Gemma 3 */
function modelType(json: unknown, file: string): 'gemma3' | 'gemma3_text' {
  const { model_type: type, text_config: text } = Object(json) as Record<string, unknown>
  if (type === 'gemma3' || type === 'gemma3_text') return type
  if (type === undefined && text !== undefined) return 'gemma3'
  throw configFault(file, [`model_type: expected "gemma3" or "gemma3_text", found ${show(type)}`])
}

function textOnly(raw: RawTextConfig, file: string): Gemma3Config {
  return {
    kind: 'text',
    text: resolveTextConfig(raw, file, ''),
    vision: undefined,
    imageTokenId: NO_TOKEN,
    softTokenId: TOKENS.image,
    boiTokenId: NO_TOKEN,
    eoiTokenId: NO_TOKEN,
    tokensPerImage: 0,
    bosTokenId: raw.bos_token_id ?? TOKENS.bos,
    eosTokenIds: raw.eos_token_id ?? TOKENS.eos,
    padTokenId: raw.pad_token_id ?? TOKENS.pad,
  }
}

function visionLanguage(raw: RawVisionLanguageConfig, file: string): Gemma3Config {
  const { text_config: text, vision_config: vision } = raw
  const imageTokenId = raw.image_token_index ?? raw.image_token_id ?? TOKENS.image
  return {
    kind: 'vision-language',
    text: resolveTextConfig(text, file, 'text_config.'),
    vision: resolveVisionConfig(vision, file, raw.mm_tokens_per_image),
    imageTokenId,
    softTokenId: imageTokenId,
    boiTokenId: raw.boi_token_index ?? raw.boi_token_id ?? TOKENS.boi,
    eoiTokenId: raw.eoi_token_index ?? raw.eoi_token_id ?? TOKENS.eoi,
    tokensPerImage: raw.mm_tokens_per_image,
    bosTokenId: raw.bos_token_id ?? text.bos_token_id ?? TOKENS.bos,
    eosTokenIds: raw.eos_token_id ?? text.eos_token_id ?? TOKENS.eos,
    padTokenId: raw.pad_token_id ?? text.pad_token_id ?? TOKENS.pad,
  }
}
