import type { AddedToken } from './content.ts'

/**
 * Says which added tokens must never come out of plain text.
 *
 * All that the file flags as special, and all that looks like a control token, `<mask>` or `[multimodal]`, flagged or
 * not. Not a run of whitespace, and not a tag that has a partner, as `<b>` and `</b>` have: those are how the model
 * reads ordinary text and markup.
 *
 * @param contents - the contents of all added tokens
 */
export function isControlToken(content: string, isSpecial: boolean, contents: ReadonlySet<string>): boolean {
  if (isSpecial) return true
  if (!/^(<.*>|\[.*\])$/s.test(content)) return false
  const partner = content.startsWith('</') ? `<${content.slice(2)}` : `</${content.slice(1)}`
  return !contents.has(partner)
}

/**
 * Says of each added token what text may become it.
 *
 * @param isPiece - whether the model's own vocabulary has a content, so that merges may make it
 */
export function classifyAdded(
  added: readonly Pick<AddedToken, 'id' | 'content' | 'isSpecial'>[],
  isPiece: (content: string) => boolean,
): readonly AddedToken[] {
  const contents = new Set(added.map(({ content }) => content))
  return added.map((token) => {
    const isControl = isControlToken(token.content, token.isSpecial, contents)
    return { ...token, isControl, isPiece: !isControl && isPiece(token.content) }
  })
}

/** Where an added token stands in a text. */
interface AddedMatch {
  readonly id: number
  /** UTF-16 offsets. */
  readonly start: number
  readonly end: number
}

/** Finds the next added token at or after `from`: the leftmost, and of those the longest. */
export type AddedTokenFinder = (text: string, from: number, withControl: boolean) => AddedMatch | undefined

const UNITS = 1 << 16

/**
 * A trie over UTF-16 units in one map, keyed by node and unit: a run of thirty newlines costs thirty look-ups, a `<`
 * that starts no token costs one or two.
 */
export function addedTokenFinder(added: readonly AddedToken[]): AddedTokenFinder {
  const edges = new Map<number, number>()
  const tokens: (AddedToken | undefined)[] = [undefined]
  const starts = new Uint8Array(UNITS)
  for (const token of added) {
    let node = 0
    for (let at = 0; at < token.content.length; at += 1) {
      const key = node * UNITS + token.content.charCodeAt(at)
      node = edges.get(key) ?? tokens.push(undefined) - 1
      edges.set(key, node)
    }
    tokens[node] = token
    starts[token.content.charCodeAt(0)] = 1
  }

  const matchAt = (text: string, start: number, withControl: boolean): AddedMatch | undefined => {
    let found: AddedMatch | undefined
    let node: number | undefined = 0
    for (let at = start; at < text.length; at += 1) {
      node = edges.get(node * UNITS + text.charCodeAt(at))
      if (node === undefined) break
      const token = tokens[node]
      if (token !== undefined && (withControl || !token.isControl)) found = { id: token.id, start, end: at + 1 }
    }
    return found
  }

  return (text, from, withControl) => {
    for (let at = from; at < text.length; at += 1) {
      if (starts[text.charCodeAt(at)] === 0) continue
      const match = matchAt(text, at, withControl)
      if (match !== undefined) return match
    }
    return undefined
  }
}
