import type { TokenizerContent } from './content.ts'
import { findJoined, type PieceIndex } from './piece-index.ts'

/** Which pairs of pieces merge, into what, and in which order. Ids in, numbers out, nothing allocated. */
export interface MergeRules {
  /** @returns the rule that joins the two pieces, or -1 */
  find(left: number, right: number): number
  /** Lower merges first; a whole number below 2 ** 28. `left` is the left half the rule was found with. */
  priority(rule: number, left: number): number
  /** @returns the id of the piece that a rule makes */
  result(rule: number): number
}

/** What merging may do with a piece. */
export const ROLE = {
  ordinary: 0,
  /** Bytes, control tokens and tokens outside the model's vocabulary: never part of a merge. */
  inert: 1,
  /** An added token that merges can make (a run of spaces): merged ahead of all ordinary pieces. */
  early: 2,
} as const

/** The role of each piece, `[v]`, values of {@link ROLE}. */
export function pieceRoles(content: Pick<TokenizerContent, 'byteIds' | 'added'>, size: number): Uint8Array {
  const roles = new Uint8Array(size)
  for (const id of content.byteIds) roles[id] = ROLE.inert
  for (const { id, isControl, isPiece } of content.added) roles[id] = isControl || !isPiece ? ROLE.inert : ROLE.early
  return roles
}

const LONGEST = 255
const EARLY_RULES = (LONGEST + 1) ** 2

/**
 * The rules of a vocabulary that was trained by SentencePiece and converted by Hugging Face, as Gemma's: every split of
 * a piece into two pieces is a merge. Early pieces come first, longer left half first, then longer right half; all
 * others by rising id, longer left half first. A rule is the id of the piece that it makes.
 */
export function closedFormRules(index: PieceIndex, roles: Uint8Array): MergeRules {
  const { characters } = index
  return {
    find(left, right) {
      if (roles[left] === ROLE.inert || roles[right] === ROLE.inert) return -1
      const id = findJoined(index, left, right)
      return id >= 0 && roles[id] !== ROLE.inert ? id : -1
    },
    priority(id, left) {
      const head = characters[left] ?? 0
      if (roles[id] === ROLE.early) return (LONGEST - head) * (LONGEST + 1) + LONGEST - ((characters[id] ?? 0) - head)
      return EARLY_RULES + id * (LONGEST + 1) + LONGEST - head
    },
    result: (id) => id,
  }
}

/**
 * Rules as a ranked list. A rule is its rank.
 *
 * @param merges - `[merges, 2]` left and right ids, best first
 * @param results - `[merges]` id of the piece that each merge makes
 */
export function rankedRules(merges: Int32Array, results: Int32Array): MergeRules {
  const slots = new Uint32Array(2 ** Math.ceil(Math.log2(2 * results.length + 2)))
  const mask = slots.length - 1
  const locate = (left: number, right: number): number => {
    const hash = Math.imul(left, 0x2c1b3c6d) ^ Math.imul(right, 0x297a2d39)
    let slot = (hash ^ (hash >>> 15)) & mask
    for (let entry = slots[slot] ?? 0; entry !== 0; entry = slots[slot] ?? 0) {
      if (merges[2 * entry - 2] === left && merges[2 * entry - 1] === right) return slot
      slot = (slot + 1) & mask
    }
    return slot
  }
  for (let rank = 0; rank < results.length; rank += 1) {
    const slot = locate(merges[2 * rank] ?? 0, merges[2 * rank + 1] ?? 0)
    // Of a pair listed twice the last counts, as in the reference.
    slots[slot] = rank + 1
  }
  return {
    find: (left, right) => (slots[locate(left, right)] ?? 0) - 1,
    priority: (rank) => rank,
    result: (rank) => results[rank] ?? -1,
  }
}
