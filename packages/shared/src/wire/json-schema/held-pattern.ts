/** What a JSON string holds as itself: no quote, no backslash, no control character. */
const UNSAFE = String.raw`"\\\x00-\x1f`
const TOKEN = /\\u[\da-f]{4}|\\x[\da-f]{2}|\\.|\[\^?(?:\\.|[^\]\\])*\]|\(\?(?::|<[a-z]\w*>)|[\s\S]/giu
const ITEM = /(\\u[\da-f]{4}|\\x[\da-f]{2}|\\.|[^\\])(?:-(\\u[\da-f]{4}|\\x[\da-f]{2}|\\.|[^\\]))?/giu
const NEGATED: Readonly<Record<string, string>> = {
  '.': `[^${UNSAFE}]`,
  '\\D': `[^0-9${UNSAFE}]`,
  '\\W': `[^A-Za-z0-9_${UNSAFE}]`,
  '\\S': `[^ \\xa0${UNSAFE}]`,
  '\\s': ' ',
}

/**
 * A pattern for the text between the quotes of a JSON string, whose whole it has to match: of the strings that `pattern`
 * is found in, those that need no escape.
 *
 * @param pattern - as `pattern` of a JSON schema has it
 * @returns undefined where there is none that is held: an escape would be needed, or the pattern looks around itself
 */
export function heldPattern(pattern: string): string | undefined {
  const bare = pattern.replace(/^\^/, '').replace(/(?<!\\)((?:\\\\)*)\$$/, '$1')
  const tokens = bare.match(TOKEN) ?? []
  const held = tokens.map((token, at) => heldToken(token, tokens[at + 1]))
  // An alternative at the top would take one of the quotes along.
  return held.includes(undefined) ? undefined : `(?:${held.join('')})`
}

/** The pattern of strings by their length: rules of the library's own would take control characters, too. */
export function lengthPattern(least: number, most: number | undefined): string {
  return `[^${UNSAFE}]{${least},${most ?? ''}}`
}

function heldToken(token: string, next: string | undefined): string | undefined {
  if (NEGATED[token] !== undefined) return NEGATED[token]
  if (token.startsWith('[') && token.length > 1) return heldClass(token)
  if (token === '^' || token === '$' || (token === '(' && next === '?')) return undefined
  if (token.startsWith('(?')) return '(?:'
  if (token === '\\d' || token === '\\w') return token
  return isSafe(codeOf(token)) ? token : undefined
}

function heldClass(token: string): string | undefined {
  const isNegated = token.startsWith('[^')
  const body = token.slice(isNegated ? 2 : 1, -1)
  const items = [...body.matchAll(ITEM)].map(([item, first = '', last]) => {
    if (item === '\\d' || item === '\\w') return item
    if (item === '\\s') return isNegated ? item : ' '
    const [from, to] = [codeOf(first), codeOf(last ?? first)]
    if (Number.isNaN(from + to)) return undefined
    return isNegated || (isSafe(from) && !spans(from, to)) ? item : undefined
  })
  if (items.length === 0 || items.includes(undefined)) return undefined
  return isNegated ? `[^${items.join('')}${UNSAFE}]` : `[${items.join('')}]`
}

/** Whether a quote or a backslash lies in the range. */
function spans(from: number, to: number): boolean {
  return ['"', '\\'].some((each) => from <= each.charCodeAt(0) && each.charCodeAt(0) <= to)
}

function isSafe(code: number): boolean {
  return code >= 0x20 && !spans(code, code)
}

/** The character that a token stands for; NaN for what is none: an assertion, a control character by name, a class. */
function codeOf(token: string): number {
  if (/^\\[ux]/i.test(token) && token.length > 2) return Number.parseInt(token.slice(2), 16)
  if (!token.startsWith('\\')) return token.codePointAt(0) ?? Number.NaN
  return /^\\[A-Za-z0-9]/.test(token) ? Number.NaN : (token.codePointAt(1) ?? Number.NaN)
}
