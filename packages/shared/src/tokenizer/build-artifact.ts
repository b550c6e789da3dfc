import { isControlToken } from './added-tokens.ts'
import { encodeArtifact } from './artifact.ts'
import type { AddedToken, TokenizerContent } from './content.ts'
import { invalid } from './invalid.ts'
import { LIMITS, SPACE } from './limits.ts'
import { closedFormRules, pieceRoles, ROLE } from './merge-rules.ts'
import { extendHash, findJoined, findPart, hashTail, indexPieces, type PieceIndex, pieceBytes } from './piece-index.ts'
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
  const merges = readMerges(file, index, reached)
  const isImplied = options.storeMerges !== true && isClosedForm(index, roles, reached, merges)
  return encodeArtifact({
    ...content,
    bridges: bridges.length > MOST_BRIDGES ? undefined : Int32Array.from(bridges),
    merges: isImplied ? undefined : merges,
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
  const encoder = new TextEncoder()
  const parts = pieces.map((piece) => encoder.encode(piece))
  const pieceLengths = new Uint8Array(pieces.length)
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  parts.forEach((part, id) => {
    const isStorable = part.length > 0 && part.length <= LIMITS.pieceBytes && pieces[id]?.isWellFormed() === true
    if (!isStorable) throw invalid(`piece ${id}`, `1 to ${LIMITS.pieceBytes} bytes of well-formed text`, pieces[id])
    pieceLengths[id] = part.length
    all.set(part, offset)
    offset += part.length
  })
  return { pieceLengths, pieceBytes: all }
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
function readMerges({ vocab, merges }: TokenizerFile, index: PieceIndex, reached: Uint8Array): Int32Array {
  const pairs = new Int32Array(2 * merges.length)
  let count = 0
  for (const [at, [left, right]] of merges.entries()) {
    const leftId = vocab.get(left) ?? -1
    const rightId = vocab.get(right) ?? -1
    const whole = leftId < 0 || rightId < 0 ? -1 : findJoined(index, leftId, rightId)
    if (whole < 0) throw invalid(`model.merges[${at}]`, 'two pieces that make a third', [left, right])
    if (reached[leftId] !== 1 || reached[rightId] !== 1 || reached[whole] !== 1) continue
    pairs[count] = leftId
    pairs[count + 1] = rightId
    count += 2
  }
  return pairs.slice(0, count)
}

/**
 * True if the merges are exactly those of `closedFormRules`, in its order: their priorities rise, so no two are the
 * same, each joins two pieces into a third, and there are as many as there are ways to do so.
 */
function isClosedForm(index: PieceIndex, roles: Uint8Array, reached: Uint8Array, merges: Int32Array): boolean {
  const rules = closedFormRules(index, roles)
  let last = -1
  for (let at = 0; at < merges.length; at += 2) {
    const left = merges[at] ?? 0
    const priority = rules.priority(rules.find(left, merges[at + 1] ?? 0), left)
    if (priority <= last) return false
    last = priority
  }
  return countSplits(index, reached) === merges.length / 2
}

/** In how many ways a reached piece splits into two reached pieces. */
function countSplits(index: PieceIndex, reached: Uint8Array): number {
  let count = 0
  for (let id = 0; id < index.size; id += 1) if (reached[id] === 1) count += splitsOf(index, reached, id)
  return count
}

function splitsOf(index: PieceIndex, reached: Uint8Array, id: number): number {
  const bytes = pieceBytes(index, id)
  const whole = index.hashes[id] ?? 0
  let count = 0
  let head = 0
  for (let cut = 1; cut < bytes.length; cut += 1) {
    head = extendHash(head, bytes[cut - 1] ?? 0)
    const left = findPart(index, bytes, 0, cut, head)
    if (left < 0 || reached[left] !== 1) continue
    const tail = bytes.length - cut
    const right = findPart(index, bytes, cut, tail, hashTail(whole, head, tail))
    if (right >= 0 && reached[right] === 1) count += 1
  }
  return count
}
