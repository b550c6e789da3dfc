import type { Random } from '../random.ts'

/** A file of a format, changed in one way. */
export interface Mutator {
  /** As it stands in a report: what is done to the file. */
  readonly name: string
  /**
   * @param other - another file of the format
   * @returns the changed file, or undefined where this change makes no sense
   */
  readonly apply: (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array | undefined
}

/** A mutator of files that come apart into pieces. */
export function partsMutator<T>(
  name: string,
  { split, join }: { split(bytes: Uint8Array): T[]; join(parts: readonly T[]): Uint8Array },
  change: (parts: T[], random: Random, others: readonly T[]) => readonly T[] | undefined,
): Mutator {
  return {
    name,
    apply(bytes, random, other) {
      const changed = change(split(bytes), random, split(other))
      return changed === undefined ? undefined : join(changed)
    },
  }
}

/** Most copies of one piece. More than any limit on pieces that a format has but the common one of 10,000. */
const MOST_COPIES = 200

/** The pieces in another order, fewer or more of them, or with one of another file. */
export function rearrange<T>(parts: readonly T[], random: Random, others: readonly T[]): T[] {
  const changed = [...parts]
  if (changed.length === 0) return changed
  const at = random.below(changed.length)
  const part = random.pick(changed)
  switch (random.below(7)) {
    case 0:
      changed.splice(at, 1)
      break
    case 1:
      changed.splice(at, 0, part)
      break
    case 2:
      changed.splice(at, 0, ...Array.from({ length: random.between(2, MOST_COPIES) }, () => part))
      break
    case 3:
      changed.splice(random.below(changed.length), 0, ...changed.splice(at, random.between(1, 3)))
      break
    case 4:
      changed.length = at
      break
    case 5:
      changed.splice(at, random.below(2), ...others.slice(random.below(others.length || 1)).slice(0, 2))
      break
    default:
      changed.sort(() => random.below(3) - 1)
  }
  return changed
}

/** Sides that programs get wrong: nothing, the edges of types, the edges of our own limits. */
const SIDES = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 255, 256, 895, 896, 897, 4095, 4096, 16_383, 16_384, 16_385, 65_535]

/** A width or height. Mostly small: a large one that is legal costs a second. */
export function anySide(random: Random): number {
  return random.chance(0.4) ? random.between(0, 300) : random.pick(SIDES)
}
