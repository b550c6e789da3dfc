import { concatBytes } from '../containers/bytes.ts'
import type { Random } from '../random.ts'
import type { Mutator } from './mutator.ts'

const EDGE_BYTES = [0, 1, 0x7f, 0x80, 0xfe, 0xff]
const EDGE_WORDS = [0, 1, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]
const MOST_EDITS = 16

/** Sets a few bytes by `value`, anywhere. */
function edit(bytes: Uint8Array, random: Random, value: (old: number) => number): Uint8Array {
  const changed = bytes.slice()
  for (let edits = random.between(1, MOST_EDITS); edits > 0 && changed.length > 0; edits--) {
    const at = random.below(changed.length)
    changed[at] = value(changed[at] ?? 0)
  }
  return changed
}

/** Flips a few bits of some bytes. */
export function flipBits(bytes: Uint8Array, random: Random): Uint8Array {
  return edit(bytes, random, (old) => old ^ (1 << random.below(8)))
}

function setWord(bytes: Uint8Array, random: Random): Uint8Array | undefined {
  if (bytes.byteLength < 4) return undefined
  const changed = bytes.slice()
  const view = new DataView(changed.buffer)
  const at = random.below(bytes.byteLength - 3)
  const value = random.pick(EDGE_WORDS)
  const isLittle = random.chance(0.5)
  if (random.chance(0.5)) view.setUint32(at, value, isLittle)
  else view.setUint16(at, value, isLittle)
  return changed
}

/** From here to there, mostly short. */
function anyRange(bytes: Uint8Array, random: Random): [number, number] {
  const from = random.below(bytes.byteLength + 1)
  const length = random.chance(0.7) ? random.below(64) : random.below(bytes.byteLength + 1)
  return [from, Math.min(from + length, bytes.byteLength)]
}

/** Changes that know nothing of a format. */
export const BYTE_MUTATORS: readonly Mutator[] = [
  { name: 'flipped bits', apply: flipBits },
  { name: 'other bytes', apply: (bytes, random) => edit(bytes, random, () => random.below(256)) },
  { name: 'edge bytes', apply: (bytes, random) => edit(bytes, random, () => random.pick(EDGE_BYTES)) },
  { name: 'edge words', apply: setWord },
  { name: 'cut off', apply: (bytes, random) => bytes.slice(0, random.below(bytes.byteLength + 1)) },
  {
    name: 'a range removed',
    apply(bytes, random) {
      const [from, to] = anyRange(bytes, random)
      return concatBytes([bytes.subarray(0, from), bytes.subarray(to)])
    },
  },
  {
    name: 'a range repeated',
    apply(bytes, random) {
      const [from, to] = anyRange(bytes, random)
      return concatBytes([bytes.subarray(0, to), bytes.subarray(from)])
    },
  },
  {
    name: 'bytes inserted',
    apply(bytes, random) {
      const at = random.below(bytes.byteLength + 1)
      const inserted = random.chance(0.5)
        ? random.bytes(random.between(1, 64))
        : new Uint8Array(random.between(1, 4096)).fill(random.pick(EDGE_BYTES))
      return concatBytes([bytes.subarray(0, at), inserted, bytes.subarray(at)])
    },
  },
  {
    name: 'halves of two files',
    apply: (bytes, random, other) =>
      concatBytes([
        bytes.subarray(0, random.below(bytes.byteLength + 1)),
        other.subarray(random.below(other.byteLength + 1)),
      ]),
  },
]
