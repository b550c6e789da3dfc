import type { Gemma3Config } from './config.ts'
import { parseConfigFile } from './config-parse.ts'
import { rawGenerationConfig } from './config-schema.ts'

/** What `generation_config.json` says about drawing a token. */
export interface GenerationConfig {
  /** Every id that ends an answer; at least one. */
  readonly eosTokenIds: readonly number[]
  /** False: always take the likeliest token, whatever the other fields say. */
  readonly doSample: boolean
  /** What logits are divided by before a token is drawn. */
  readonly temperature: number
  /** Keep the k likeliest tokens; 0 keeps all. */
  readonly topK: number
  /** Keep the likeliest tokens that together hold this share; 1 keeps all. */
  readonly topP: number
}

/** Transformers' own default; a file that wants all tokens says 0. */
const DEFAULT_TOP_K = 50

/**
 * Reads `generation_config.json`. A checkpoint without one gets Transformers' defaults: greedy, and the end tokens of
 * its `config.json`.
 *
 * @param json - the parsed file, or `undefined` if there is none
 * @throws AppError `config.invalid` naming every key at fault, what was expected and what was found
 */
export function parseGenerationConfig(json: unknown, config: Pick<Gemma3Config, 'eosTokenIds'>): GenerationConfig {
  const raw = parseConfigFile('generation_config.json', rawGenerationConfig, json === undefined ? {} : json)
  return {
    eosTokenIds: raw.eos_token_id ?? config.eosTokenIds,
    doSample: raw.do_sample,
    temperature: raw.temperature,
    topK: raw.top_k ?? (raw.top_k === null ? 0 : DEFAULT_TOP_K),
    topP: raw.top_p ?? 1,
  }
}
