import { z } from 'zod'
import type { GgufFile } from '../weights/gguf.ts'
import type { Gemma3Config } from './config.ts'
import { parseConfigFile } from './config-parse.ts'
import { type GenerationConfig, parseGenerationConfig } from './generation-config.ts'
import { shortestDecimal } from './shortest-decimal.ts'

/** What the `generation_config.json` of every released Gemma 3 says, the pretrained ones included. */
const RELEASED = { do_sample: true, temperature: 1, top_k: 64, top_p: 0.95 } as const

const TEMPERATURE = 'general.sampling.temp'
const TOP_K = 'general.sampling.top_k'
const TOP_P = 'general.sampling.top_p'

const temperature = z.number({ error: 'a number' }).min(0, { error: 'at least 0' })
const share = z.number({ error: 'a number' }).gt(0, { error: 'more than 0' }).max(1, { error: 'at most 1' })

/** What newer converters take over of that file. */
const samplingKeys = z.object({
  [TEMPERATURE]: temperature.transform(shortestDecimal).optional(),
  /** 0 or less keeps all tokens. */
  [TOP_K]: z.int({ error: 'a whole number' }).optional(),
  [TOP_P]: share.transform(shortestDecimal).optional(),
})

/**
 * How to draw the tokens of a GGUF model: as its `general.sampling` keys say, and what they leave out as the released
 * models do. A vocabulary that is not Gemma's has no released model: its likeliest token is taken.
 *
 * @throws AppError `config.invalid` naming every key at fault
 */
export function ggufGeneration({ file, metadata }: GgufFile, config: Gemma3Config): GenerationConfig {
  const keys = parseConfigFile(file, samplingKeys, Object.fromEntries(metadata))
  const json: Record<string, unknown> = isGemma(metadata.get('tokenizer.ggml.tokens')) ? { ...RELEASED } : {}
  const [given, topK, topP] = [keys[TEMPERATURE], keys[TOP_K], keys[TOP_P]]
  if (given !== undefined) Object.assign(json, { do_sample: given > 0, temperature: given })
  if (topK !== undefined) json['top_k'] = Math.max(topK, 0)
  if (topP !== undefined) json['top_p'] = topP
  return parseGenerationConfig(json, config)
}

function isGemma(tokens: unknown): boolean {
  return Array.isArray(tokens) && tokens.includes('<end_of_turn>')
}
