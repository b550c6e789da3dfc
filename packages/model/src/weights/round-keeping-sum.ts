/** How finely numbers are told apart by how far they are from where they were rounded to. */
const BUCKETS = 512

const counts = new Uint32Array(BUCKETS + 1)

/**
 * Rounds numbers so that their sum is kept too: each to the nearest whole one, but a few, of those that are nearly half way
 * to the next one, to that. In a row of n weights these are some √(n/12), which makes 1 % more error of one by one; but what
 * all inputs have in common, such as the mean of what comes out of a GELU, then adds up to none.
 *
 * @param numbers - as far from zero as `limit` at most, once they are multiplied
 * @param factor - multiplies them first
 * @param out - as many; whole numbers from `-limit` to `limit`, none farther than 1 from its number, all together no
 *   farther than 1/2
 */
export function roundKeepingSum(numbers: Float32Array, factor: number, limit: number, out: Int8Array): void {
  let drift = 0
  for (let i = 0; i < numbers.length; i++) {
    const exact = (numbers[i] ?? 0) * factor
    // Of a positive number, `| 0` is the floor; with the half this rounds to the nearest.
    const whole = ((exact + limit + 0.5) | 0) - limit
    out[i] = whole
    drift += exact - whole
  }
  const moves = Math.round(Math.abs(drift))
  if (moves > 0) move({ numbers, factor: drift < 0 ? -factor : factor, step: Math.sign(drift), limit, out }, moves)
}

interface Rounded {
  readonly numbers: Float32Array
  /** What leads from a number to how far it reaches into the direction of the moves. */
  readonly factor: number
  /** Of a move: 1 or -1. */
  readonly step: number
  readonly limit: number
  readonly out: Int8Array
}

/** Moves so many on by one: those whose numbers lie farthest on that side. */
function move(row: Rounded, moves: number): void {
  const { out, step, limit } = row
  counts.fill(0)
  for (let i = 0; i < out.length; i++) {
    const bucket = bucketOf(row, i)
    counts[bucket] = (counts[bucket] ?? 0) + 1
  }
  let last = BUCKETS
  let left = moves - (counts[last] ?? 0)
  while (left > 0 && last > 0) left -= counts[--last] ?? 0
  // Of the last bucket only some.
  let most = (counts[last] ?? 0) + left
  for (let i = 0; i < out.length; i++) {
    const bucket = bucketOf(row, i)
    if (bucket < last || (bucket === last && most-- <= 0)) continue
    const moved = (out[i] ?? 0) + step
    if (Math.abs(moved) <= limit) out[i] = moved
  }
}

/** 0 of a number that was rounded to itself or to this side, up to {@link BUCKETS} of one that is half a step away. */
function bucketOf({ numbers, factor, step, out }: Rounded, index: number): number {
  const reach = (numbers[index] ?? 0) * factor - (out[index] ?? 0) * step
  return reach > 0 ? Math.min(BUCKETS, Math.ceil(reach * 2 * BUCKETS)) : 0
}
