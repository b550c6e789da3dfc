/** A small seeded random source, so that every picture and question can be drawn again from its seed. */

export interface Random {
  /** Uniform in [0, 1). */
  readonly next: () => number
  /** Uniform in [low, high). */
  readonly between: (low: number, high: number) => number
  /** Uniform whole number in [low, high], both ends included. */
  readonly integer: (low: number, high: number) => number
  /** True with the given probability. */
  readonly chance: (probability: number) => boolean
  /** One element of a list that is not empty. */
  readonly pick: <T>(items: readonly T[]) => T
}

/**
 * The mulberry32 generator: 32 bits of state, ample for a few thousand draws per picture.
 *
 * @param seed any whole number; neighbouring seeds give unrelated streams
 */
export function createRandom(seed: number): Random {
  // Multiplying by an odd constant spreads neighbouring seeds over the whole state space.
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const pick = <T>(items: readonly T[]): T => {
    const item = items[Math.floor(next() * items.length)]
    if (item === undefined) throw new RangeError('cannot pick from an empty list')
    return item
  }
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    integer: (low, high) => low + Math.floor((high - low + 1) * next()),
    chance: (probability) => next() < probability,
    pick,
  }
}
