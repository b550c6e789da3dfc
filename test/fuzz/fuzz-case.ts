import { AVIF_MUTATORS } from './mutators/avif.ts'
import { BYTE_MUTATORS } from './mutators/bytes.ts'
import { GIF_MUTATORS } from './mutators/gif.ts'
import { JPEG_MUTATORS } from './mutators/jpeg.ts'
import type { Mutator } from './mutators/mutator.ts'
import { PNG_MUTATORS } from './mutators/png.ts'
import { WEBP_MUTATORS } from './mutators/webp.ts'
import { caseRandom, type Random } from './random.ts'
import type { FuzzFormat, SeedFile } from './seeds.ts'

/** A file that may do harm, and how it came about. */
export interface FuzzCase {
  readonly index: number
  readonly format: FuzzFormat
  /** The sound file that it was made of. */
  readonly from: SeedFile
  /** Names of the changes, in order. */
  readonly steps: readonly string[]
  readonly bytes: Uint8Array
}

const MUTATORS: Readonly<Record<FuzzFormat, readonly Mutator[]>> = {
  png: PNG_MUTATORS,
  jpeg: JPEG_MUTATORS,
  webp: WEBP_MUTATORS,
  gif: GIF_MUTATORS,
  avif: AVIF_MUTATORS,
}

const MOST_STEPS = 3
/** Changes that make a file larger are left out: the API refuses what does not fit a request. */
const MOST_BYTES = 8_000_000
/** How often a change knows the format. */
const KNOWING = 0.65
/** How often the other file is one of another format. */
const STRANGE = 0.1

/** The case of a number: the same seed and number give the same bytes. */
export function fuzzCase(seeds: readonly SeedFile[], seed: number, index: number): FuzzCase {
  const random = caseRandom(seed, index)
  const format = random.pick([...new Set(seeds.map((file) => file.format))])
  const from = random.pick(seeds.filter((file) => file.format === format))
  const steps: string[] = []
  let { bytes } = from
  for (let step = random.between(1, MOST_STEPS); step > 0; step--) {
    const mutator = random.pick(random.chance(KNOWING) ? MUTATORS[format] : BYTE_MUTATORS)
    const other = otherFile(seeds, format, random)
    const changed = mutator.apply(bytes, random, other)
    if (changed === undefined || changed.byteLength > MOST_BYTES) continue
    steps.push(mutator.name)
    bytes = changed
  }
  return { index, format, from, steps, bytes }
}

function otherFile(seeds: readonly SeedFile[], format: FuzzFormat, random: Random): Uint8Array {
  const isStrange = random.chance(STRANGE)
  return random.pick(seeds.filter((file) => isStrange || file.format === format)).bytes
}
