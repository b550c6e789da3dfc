import { isControlToken } from './added-tokens.ts'
import { encodeArtifact } from './artifact.ts'
import type { AddedToken, TokenizerContent } from './content.ts'
import { impliedMerges } from './implied-merges.ts'
import { invalid } from './invalid.ts'
import { LIMITS, SPACE } from './limits.ts'
import { closedFormRules, pieceRoles, ROLE } from './merge-rules.ts'
import { indexPieces } from './piece-index.ts'
import { parseTokenizerJson, type TokenizerFile } from './tokenizer-json.ts'
import { isBridge } from './words.ts'

/** More bridges than this and looking for them costs more than cutting the text into words saves. */
const MOST_BRIDGES = 64

/** How {@link buildTokenizerArtifact} writes the merges. */
export interface ArtifactOptions {
  /** Store the merges even where they follow from the vocabulary. Three times the size, the same ids. */
  readonly storeMerges?: boolean
}

/**
 * Turns a tokenizer.json into the compact artifact that `loadTokenizer` reads: any byte-pair encoding with byte
 * fallback in Gemma's form. The merges, nine tenths of Gemma's 33 MB, are left out if they follow from the vocabulary
 * alone, which is checked merge by merge.
 *
 * @param json - the text of the file
 * @throws AppError `tokenizer.invalid`, saying what was expected and found
 */
export function buildTokenizerArtifact(json: string, options: ArtifactOptions = {}): Uint8Array {
  const file = parseTokenizerJson(json)
  const pieces = listPieces(file)
  const added = classifyAdded(file)
  const content = { ...encodePieces(pieces), byteIds: readByteIds(file.vocab), added }
  const index = indexPieces(content.pieceLengths, content.pieceBytes)
  const roles = pieceRoles(content, pieces.length)
  const bridges = pieces.flatMap((piece, id) => (roles[id] !== ROLE.inert && isBridge(piece) ? [id] : []))
  const reached = reachedPieces(pieces, added, roles)
  const implied =
    options.storeMerges === true ? undefined : impliedMerges(index, roles, closedFormRules(index, roles), reached)
  const isClosedForm = implied !== undefined && areImplied(file, pieces, reached, implied)
  return encodeArtifact({
    ...content,
    bridges: bridges.length > MOST_BRIDGES ? undefined : Int32Array.from(bridges),
    merges: isClosedForm ? undefined : readMerges(file, reached),
  })
}

/** All contents by id: the vocabulary, then the added tokens that it lacks. Every id is used once. */
function listPieces({ vocab, added }: TokenizerFile): readonly string[] {
  const contents = new Map(vocab)
  for (const { id, content } of added) {
    const known = contents.get(content) ?? id
    if (known !== id) throw invalid(`id of the added token ${JSON.stringify(content)}`, String(known), id)
    contents.set(content, id)
  }
  const pieces: string[] = new Array(contents.size)
  for (const [content, id] of contents) {
    if (id >= contents.size) throw invalid('ids', `all of 0 to ${contents.size - 1}`, id)
    if (pieces[id] !== undefined) throw invalid(`id ${id}`, 'one token', [pieces[id], content])
    pieces[id] = content
  }
  return pieces
}

function classifyAdded({ vocab, added }: TokenizerFile): readonly AddedToken[] {
  const contents = new Set(added.map(({ content }) => content))
  return added.map(({ id, content, isSpecial }) => {
    const isControl = isControlToken(content, isSpecial, contents)
    return { id, content, isSpecial, isControl, isPiece: vocab.has(content) }
  })
}

function encodePieces(pieces: readonly string[]): Pick<TokenizerContent, 'pieceLengths' | 'pieceBytes'> {
  const pieceLengths = Uint8Array.from(pieces, (piece, id) => {
    const bytes = piece.isWellFormed() ? utf8Length(piece) : 0
    if (bytes > 0 && bytes <= LIMITS.pieceBytes) return bytes
    throw invalid(`piece ${id}`, `1 to ${LIMITS.pieceBytes} bytes of well-formed text`, piece)
  })
  // All at once: one call for each piece takes ten times as long.
  return { pieceLengths, pieceBytes: new TextEncoder().encode(pieces.join('')) }
}

function utf8Length(text: string): number {
  let bytes = 0
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    // Each half of a surrogate pair counts two of its four bytes.
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit & 0xf800) === 0xd800 ? 2 : 3
  }
  return bytes
}

function readByteIds(vocab: ReadonlyMap<string, number>): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    const content = `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`
    const id = vocab.get(content)
    if (id === undefined) throw invalid('model.vocab', `a token ${content} for byte fallback`, id)
    return id
  })
}

/**
 * Marks the pieces that merging can meet, `[v]`: not the inert ones, nor those with a character that is an added token
 * by itself, as a newline is, since an added token is taken out of the text before anything merges.
 */
function reachedPieces(pieces: readonly string[], added: readonly AddedToken[], roles: Uint8Array): Uint8Array {
  const taken = new Set(
    added.flatMap(({ content, isControl }) =>
      !isControl && [...content].length === 1 && content !== SPACE ? [content] : [],
    ),
  )
  return Uint8Array.from(pieces, (piece, id) =>
    roles[id] !== ROLE.inert && ![...piece].some((character) => taken.has(character)) ? 1 : 0,
  )
}

/** The merges that can happen, `[merges, 2]`, ids. A merge that would make a control token is none. */
function readMerges({ vocab, merges }: TokenizerFile, reached: Uint8Array): Int32Array {
  const pairs: number[] = []
  for (const [left, right] of merges) {
    const ids = mergeIds(vocab, left, right)
    if (ids.every((id) => reached[id] === 1)) pairs.push(...ids.slice(0, 2))
  }
  return Int32Array.from(pairs)
}

/** Ids of left half, right half and whole. */
function mergeIds(vocab: ReadonlyMap<string, number>, left: string, right: string): readonly number[] {
  return [left, right, left + right].map((content) => {
    const id = vocab.get(content)
    if (id === undefined) throw invalid('model.merges', 'pieces of the vocabulary', [left, right])
    return id
  })
}

/**
 * True if the merges that can happen are exactly `implied`, in that order. Compares contents one by one and looks ids
 * up only where they differ: half a million look-ups would take longer than all the rest.
 */
function areImplied(
  { vocab, merges }: TokenizerFile,
  pieces: readonly string[],
  reached: Uint8Array,
  implied: readonly number[],
): boolean {
  let at = 0
  for (const [left, right] of merges) {
    if (pieces[implied[at] ?? -1] === left && pieces[implied[at + 1] ?? -1] === right) at += 2
    else if (mergeIds(vocab, left, right).every((id) => reached[id] === 1)) return false
  }
  return at === implied.length
}
