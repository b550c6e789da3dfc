import { encodeArtifact } from './artifact.ts'
import type { AddedToken, TokenizerContent } from './content.ts'
import { type ImpliedMerges, impliedMerges } from './implied-merges.ts'
import { invalid } from './invalid.ts'
import { LIMITS, SPACE } from './limits.ts'
import { closedFormRules, pieceRoles, ROLE } from './merge-rules.ts'
import { indexPieces, type PieceIndex } from './piece-index.ts'
import { isBridge } from './words.ts'

/** What every kind of file lists. */
interface Vocabulary {
  /** Content of each id, `[v]`, each once. */
  readonly pieces: readonly string[]
  readonly added: readonly AddedToken[]
}

/** What is known of the merges once the pieces are. */
export interface MergeFacts {
  readonly pieces: readonly string[]
  readonly index: PieceIndex
  /** `[v]`, values of `ROLE`. */
  readonly roles: Uint8Array
  /** `[v]`, 1 for the pieces that merging can meet. */
  readonly reached: Uint8Array
  /** The merges that the vocabulary implies. */
  implied(): ImpliedMerges
}

/** More bridges than this and looking for them costs more than cutting the text into words saves. */
const MOST_BRIDGES = 64

const BYTE_TOKEN = /^<0x([0-9A-F]{2})>$/

/**
 * Writes the artifact of a vocabulary.
 *
 * @param chooseMerges - gives those to store, `[merges, 2]` ids, best first; `undefined` if the rules alone give them
 * @throws AppError `tokenizer.invalid` if a piece is too long or no text, or a byte has no token
 */
export function writeArtifact(
  { pieces, added }: Vocabulary,
  chooseMerges: (facts: MergeFacts) => Int32Array | undefined,
): Uint8Array {
  const content = { ...encodePieces(pieces), byteIds: readByteIds(pieces), added }
  const index = indexPieces(content.pieceLengths, content.pieceBytes)
  const roles = pieceRoles(content, pieces.length)
  const bridges = pieces.flatMap((piece, id) => (roles[id] !== ROLE.inert && isBridge(piece) ? [id] : []))
  const reached = reachedPieces(pieces, added, roles)
  const implied = () => impliedMerges(index, roles, closedFormRules(index, roles), reached)
  return encodeArtifact({
    ...content,
    bridges: bridges.length > MOST_BRIDGES ? undefined : Int32Array.from(bridges),
    merges: chooseMerges({ pieces, index, roles, reached, implied }),
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

function readByteIds(pieces: readonly string[]): Int32Array {
  const ids = new Int32Array(256).fill(-1)
  pieces.forEach((piece, id) => {
    const digits = BYTE_TOKEN.exec(piece)?.[1]
    if (digits !== undefined) ids[Number.parseInt(digits, 16)] = id
  })
  const missing = ids.indexOf(-1)
  if (missing < 0) return ids
  const content = `<0x${missing.toString(16).toUpperCase().padStart(2, '0')}>`
  throw invalid('vocabulary', `a token ${content} for byte fallback`, undefined)
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
