import { AppError } from '../errors/index.ts'

/** What every reader of this folder throws: the thing at fault, what was expected there, and what was found. */
export function invalid(thing: string, expected: string, found: unknown): AppError {
  return new AppError('tokenizer.invalid', `${thing}: expected ${expected}, found ${shown(found)}.`)
}

/** A value as one short line, whatever its size. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = typeof value === 'string' ? JSON.stringify(value.slice(0, 61)) : (JSON.stringify(value) ?? typeof value)
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}
