import type { GgufFile } from '../weights/gguf.ts'
import { configFault } from './config-parse.ts'

/** What a GGUF file is given as. */
type Role = 'language' | 'vision'

const ARCHITECTURE = { language: 'gemma3', vision: 'clip' } as const
const OTHER_ROLE = {
  language: 'a vision file: give it as mmproj (--mmproj), beside the language model',
  vision: 'a language model: give it as the model (--model), and the vision file as mmproj',
} as const

/**
 * Refuses a file that is good and in the wrong place, with what to do about it. A list of the keys that it lacks would not
 * help.
 *
 * @throws AppError `config.invalid` if it is a part of a split file, or a vision file in the place of a language model or
 *   the other way round
 */
export function checkGgufRole({ file, metadata }: GgufFile, role: Role): void {
  const parts = metadata.get('split.count')
  if (typeof parts === 'number' && parts > 1) {
    const advice = `join them with "llama-gguf-split --merge FIRST_PART model.gguf" and load the result`
    throw configFault(file, [`split.count: expected 1, found ${parts}, one of so many parts of a model: ${advice}`])
  }
  const found = metadata.get('general.architecture')
  const other = role === 'language' ? ARCHITECTURE.vision : ARCHITECTURE.language
  if (found !== other) return
  const expected = `expected "${ARCHITECTURE[role]}"`
  throw configFault(file, [`general.architecture: ${expected}, found "${found}", ${OTHER_ROLE[role]}`])
}
