import { AppError } from '@loupe/shared/errors'
import type { FileReader } from '../weights/checkpoint.ts'
import { type Gemma3Config, parseGemma3Config } from './config.ts'
import { type GenerationConfig, parseGenerationConfig } from './generation-config.ts'

const CONFIG_FILE = 'config.json'
const GENERATION_FILE = 'generation_config.json'
/** The released files hold 2 KB; a converter that writes every attribute makes 20. */
const MAX_CONFIG_BYTES = 1024 * 1024

/** What the JSON files of a checkpoint say. */
export interface ModelConfig {
  /** Of `config.json`. */
  readonly config: Gemma3Config
  /** Of `generation_config.json`, or Transformers' defaults. */
  readonly generation: GenerationConfig
}

/**
 * Reads `config.json` and, if there is one, `generation_config.json`.
 *
 * @throws AppError `config.invalid` when there is no config, or either file is not valid
 */
export async function readModelConfig(files: FileReader): Promise<ModelConfig> {
  const json = await readJson(files, CONFIG_FILE)
  if (json === undefined) throw new AppError('config.invalid', `Expected ${CONFIG_FILE}, found no such file.`)
  const config = parseGemma3Config(json)
  return { config, generation: parseGenerationConfig(await readJson(files, GENERATION_FILE), config) }
}

/** @returns the parsed file, or `undefined` if there is no such file */
async function readJson(files: FileReader, name: string): Promise<unknown> {
  const bytes = await files.size(name)
  if (bytes === undefined) return undefined
  if (bytes > MAX_CONFIG_BYTES) {
    throw new AppError('config.invalid', `${name}: expected at most ${MAX_CONFIG_BYTES} bytes, found ${bytes}.`)
  }
  const text = new TextDecoder().decode(await files.read(name, 0, bytes))
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AppError('config.invalid', `${name}: expected JSON, found something else.`, { cause })
  }
}
