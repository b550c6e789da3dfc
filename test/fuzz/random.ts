/** Chance that a seed repeats. */
export interface Random {
  /** A whole number from 0, below `limit`. */
  below(limit: number): number
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number
  /** True with this probability. */
  chance(probability: number): boolean
  /** One of the items, which must not be empty. */
  pick<T>(items: readonly T[]): T
  /** Bytes. */
  bytes(length: number): Uint8Array
}

/** Mixes a seed and a case number, so that every case can be made again alone. */
export function caseRandom(seed: number, index: number): Random {
  return seededRandom(Math.imul(seed, 0x9e37_79b1) ^ Math.imul(index + 1, 0x85eb_ca6b))
}

/** mulberry32 */
function seededRandom(seed: number): Random {
  let state = seed | 0
  const next = (): number => {
    state = (state + 0x6d2b_79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return {
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (probability) => next() < probability,
    pick(items) {
      const index = below(items.length)
      if (index in items) return items[index] as (typeof items)[number] // just checked
      throw new RangeError('nothing to pick from')
    },
    bytes: (length) => Uint8Array.from({ length }, () => below(256)),
  }
}
