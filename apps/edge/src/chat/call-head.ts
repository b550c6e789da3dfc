/** What stands in front of the arguments of a call. */
export interface CallHead {
  readonly name: string
  /** Where the arguments begin. */
  readonly end: number
}

const NAME = /"([\w.-]*)("?)/y
const BLANKS = /[ \t\n\r]*/y

/**
 * Reads `{"name": "f", "parameters":` with any blanks in it, up to the brace that begins the arguments.
 *
 * @returns `unfinished` when more text may make it one, `none` when it is something else
 */
export function readCallHead(text: string, from: number): CallHead | 'unfinished' | 'none' {
  const before = skipAll(text, from, ['{', '"name"', ':'])
  if (typeof before === 'string') return before
  const start = skipBlanks(text, before)
  NAME.lastIndex = start
  const [quoted = '', name = '', close = ''] = NAME.exec(text) ?? []
  if (close === '') return start + quoted.length === text.length ? 'unfinished' : 'none'
  const after = skipAll(text, start + quoted.length, [',', '"parameters"', ':'])
  if (typeof after === 'string') return after
  const end = skipBlanks(text, after)
  if (end === text.length) return 'unfinished'
  return text[end] === '{' ? { name, end } : 'none'
}

/** @returns where the text goes on behind blanks */
export function skipBlanks(text: string, from: number): number {
  BLANKS.lastIndex = from
  BLANKS.exec(text)
  return BLANKS.lastIndex
}

/** @returns where the text goes on behind all of these, with blanks before each */
function skipAll(text: string, from: number, wanted: readonly string[]): number | 'unfinished' | 'none' {
  let at = from
  for (const each of wanted) {
    at = skipBlanks(text, at)
    const found = text.slice(at, at + each.length)
    if (found !== each) return each.startsWith(found) ? 'unfinished' : 'none'
    at += each.length
  }
  return at
}
