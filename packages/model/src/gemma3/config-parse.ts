import { AppError } from '@loupe/shared/errors'
import type { z } from 'zod'

/** More faults than this say nothing new. */
const MAX_FAULTS = 12
const MAX_SHOWN_CHARACTERS = 60

/**
 * Parses a JSON value and reports every fault at once, each as `key: expected ..., found ...`.
 *
 * @param file - the name that the message starts with
 * @throws AppError `config.invalid`
 */
export function parseConfigFile<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
  json: unknown,
): z.output<Schema> {
  const result = schema.safeParse(json, { reportInput: true })
  if (result.success) return result.data
  throw configFault(file, result.error.issues.map(describe))
}

/** One error for any number of faults. */
export function configFault(file: string, faults: readonly string[]): AppError {
  const shown = faults.slice(0, MAX_FAULTS)
  if (faults.length > shown.length) shown.push(`and ${faults.length - shown.length} more`)
  return new AppError('config.invalid', `${file}: ${shown.join('; ')}.`)
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    const at = issue.path.map((part) => `${String(part)}.`).join('')
    return issue.keys.map((key) => `${at}${key}: expected a known key of Gemma 3, found ${key}`).join('; ')
  }
  const at = issue.path.map(String).join('.')
  return `${at || 'the file'}: expected ${issue.message}, found ${show(issue.input)}`
}

/** A value as an error message shows it, shortened. */
export function show(value: unknown): string {
  const text = jsonOf(value)
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}...` : text
}

/** A hostile file nests more deeply than the stack is high. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value, sayable) ?? 'nothing'
  } catch {
    return 'a value that is nested too deeply'
  }
}

/** A GGUF holds values that JSON has no words for. */
function sayable(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  return ArrayBuffer.isView(value) ? `${value.byteLength} bytes` : value
}
