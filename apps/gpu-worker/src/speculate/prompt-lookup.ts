/** Where the last tokens of a sequence stand once more. */
export interface Repetition {
  /** How many of the last tokens stand there. */
  readonly matched: number
  /** What followed them, `[t]`; not empty. */
  readonly next: Int32Array
}

/** One token says too little. */
export const LEAST_MATCHED = 2
/** More say no more. */
const MOST_MATCHED = 16

/**
 * Finds the longest end of a sequence that stands in it before, of equal ones the latest: answers quote their prompt and
 * themselves.
 *
 * @param ids - `[t]`
 * @returns `undefined` when not even the last two tokens do
 * @see Saxena, Prompt Lookup Decoding (2023)
 */
export function findRepetition(ids: Int32Array): Repetition | undefined {
  const last = ids.length - 1
  let [matched, end] = [LEAST_MATCHED - 1, 0]
  for (let at = last - 1; at >= matched && matched < MOST_MATCHED; at--) {
    // The token farthest from the end is the one that a longer match is likely to fail at.
    if (ids[at] !== ids[last] || ids[at - matched] !== ids[last - matched]) continue
    const common = commonEnd(ids, at)
    if (common > matched) [matched, end] = [common, at + 1]
  }
  return end === 0 ? undefined : { matched, next: ids.subarray(end) }
}

/** How many tokens up to and with `at` are those at the end of a sequence. */
function commonEnd(ids: Int32Array, at: number): number {
  let common = 0
  while (common < MOST_MATCHED && common <= at && ids[at - common] === ids[ids.length - 1 - common]) common++
  return common
}

/**
 * The tokens that follow if the repetition goes on. At the end of what is known it begins again: a list of equal lines is
 * its own draft.
 *
 * @returns `[tokens]`
 */
export function goOn({ next }: Repetition, tokens: number): Int32Array {
  return Int32Array.from({ length: tokens }, (_, at) => next[at % next.length] ?? 0)
}
