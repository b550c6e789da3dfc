import { type MergeRules, ROLE } from './merge-rules.ts'
import { extendHash, findPart, hashTail, type PieceIndex } from './piece-index.ts'

/** What {@link impliedMerges} gives. */
export interface ImpliedMerges {
  /** `[merges, 2]` left and right ids, best first. */
  readonly merges: readonly number[]
  /** No two of them have the same priority, so that the rules alone give this order. */
  readonly isOrdered: boolean
}

/**
 * The merges that a vocabulary implies: every split of a reached piece into two reached pieces, in the order of
 * `closedFormRules`.
 *
 * @param rules - of `closedFormRules`
 * @param reached - `[v]`, 1 for the pieces that merging can meet
 */
export function impliedMerges(
  index: PieceIndex,
  roles: Uint8Array,
  rules: MergeRules,
  reached: Uint8Array,
): ImpliedMerges {
  const early: { readonly pair: readonly number[]; readonly priority: number }[] = []
  const ordinary: number[] = []
  for (let id = 0; id < index.size; id += 1) {
    if (reached[id] !== 1) continue
    if (roles[id] !== ROLE.early) pushSplits(index, reached, id, ordinary)
    else {
      const pairs: number[] = []
      pushSplits(index, reached, id, pairs)
      for (let at = 0; at < pairs.length; at += 2) {
        early.push({ pair: pairs.slice(at, at + 2), priority: rules.priority(id, pairs[at] ?? 0) })
      }
    }
  }
  early.sort((one, two) => one.priority - two.priority)
  const isOrdered = early.every(({ priority }, at) => priority !== early[at + 1]?.priority)
  return { merges: early.flatMap(({ pair }) => pair).concat(ordinary), isOrdered }
}

/** Rolling hash of each beginning of the piece at hand. */
const heads = new Int32Array(256)

/** Appends the splits of one piece, longer left half first. */
function pushSplits(index: PieceIndex, reached: Uint8Array, id: number, pairs: number[]): void {
  const { bytes } = index
  const start = index.offsets[id] ?? 0
  const length = index.lengths[id] ?? 0
  const whole = index.hashes[id] ?? 0
  for (let at = 0; at < length; at += 1) heads[at + 1] = extendHash(heads[at] ?? 0, bytes[start + at] ?? 0)
  for (let cut = length - 1; cut > 0; cut -= 1) {
    const head = heads[cut] ?? 0
    const left = findPart(index, bytes, start, cut, head)
    if (left < 0 || reached[left] !== 1) continue
    const tail = length - cut
    const right = findPart(index, bytes, start + cut, tail, hashTail(whole, head, tail))
    if (right >= 0 && reached[right] === 1) pairs.push(left, right)
  }
}
