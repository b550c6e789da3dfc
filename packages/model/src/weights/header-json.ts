import { AppError } from '@loupe/shared/errors'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
/** A bracket that opens, one that closes. */
const NESTING: ReadonlyMap<number, 1 | -1> = new Map([
  [0x7b, 1],
  [0x5b, 1],
  [0x7d, -1],
  [0x5d, -1],
])

/** A header is an object of objects of lists. */
const MAX_DEPTH = 3

/**
 * Parses the JSON of a checkpoint: valid UTF-8, an object, no key twice, no deeper than a header can be.
 *
 * `JSON.parse` alone would let the last of two equal keys win, so that two readers could see two different checkpoints.
 *
 * @param what - the name that an error message starts with
 * @throws AppError `weights.invalid`
 */
export function parseStrictJson(bytes: Uint8Array, what: string): Readonly<Record<string, unknown>> {
  // Before JSON.parse, which would build a deep value first.
  const { depth, keys } = measure(bytes)
  if (depth > MAX_DEPTH) {
    throw new AppError('weights.invalid', `${what}: expected at most ${MAX_DEPTH} levels of nesting, found ${depth}.`)
  }
  const value = parse(bytes, what)
  if (!isRecord(value)) throw new AppError('weights.invalid', `${what}: expected a JSON object.`)
  const different = countKeys(value)
  if (different !== keys) {
    throw new AppError('weights.invalid', `${what}: expected each key once, found ${keys - different} given again.`)
  }
  return value
}

/** True for a JSON object, not for a list or null. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parse(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (cause) {
    throw new AppError('weights.invalid', `${what}: expected JSON in UTF-8, found something else.`, { cause })
  }
}

/** The deepest nesting, and the keys of all objects: colons outside of strings. UTF-8 hides none of these characters. */
function measure(bytes: Uint8Array): { depth: number; keys: number } {
  let depth = 0
  let open = 0
  let keys = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (byte === QUOTE) at = closingQuote(bytes, at)
    else if (byte === COLON) keys++
    open += NESTING.get(byte) ?? 0
    depth = Math.max(depth, open)
  }
  return { depth, keys }
}

/** @returns the index of the closing quote; past the end if there is none */
function closingQuote(bytes: Uint8Array, start: number): number {
  let at = start + 1
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1
  return at
}

function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const children = Object.values(value)
  const nested = children.reduce((sum: number, child) => sum + countKeys(child), 0)
  return nested + (Array.isArray(value) ? 0 : children.length)
}
