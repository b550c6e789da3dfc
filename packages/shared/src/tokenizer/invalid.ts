import { AppError } from '../errors/index.ts'
import { shown } from '../shown.ts'

/** What every reader of this folder throws: the thing at fault, what was expected there, and what was found. */
export function invalid(thing: string, expected: string, found: unknown): AppError {
  return new AppError('tokenizer.invalid', `${thing}: expected ${expected}, found ${shown(found)}.`)
}
