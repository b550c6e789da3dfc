import { concatBytes, littleEndian16 } from '../containers/bytes.ts'
import { type GifBlock, gifPixel, joinGif, splitGif } from '../containers/gif-blocks.ts'
import type { Random } from '../random.ts'
import { flipBits } from './bytes.ts'
import { anySide, type Mutator, partsMutator, rearrange } from './mutator.ts'

const GIF = { split: splitGif, join: joinGif }
const DESCRIPTOR_BYTES = 10

const part = (name: string, change: Parameters<typeof partsMutator<GifBlock>>[2]) => partsMutator(name, GIF, change)

/** Changes the blocks of one kind. */
function changeKind(
  blocks: readonly GifBlock[],
  kind: GifBlock['kind'],
  change: (bytes: Uint8Array) => Uint8Array,
): GifBlock[] {
  return blocks.map((block) => (block.kind === kind ? { kind, bytes: change(block.bytes.slice()) } : block))
}

function changeScreen(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.chance(0.6)) bytes.set(littleEndian16(anySide(random)), random.pick([6, 8]))
  else bytes[random.pick([10, 11, 12])] = random.below(256)
  return bytes
}

/** Where the picture lies on the screen, and whether it has colours of its own or is interlaced. */
function changePlace(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.chance(0.7)) bytes.set(littleEndian16(anySide(random)), random.pick([1, 3, 5, 7]))
  else bytes[9] = random.below(256)
  return bytes
}

/** The lengths of the pieces, and the width of the codes in them. */
function changeLengths(bytes: Uint8Array, random: Random): Uint8Array {
  const table = ((bytes[9] ?? 0) & 0x80) === 0 ? 0 : 3 << (((bytes[9] ?? 0) & 7) + 1)
  const codeSize = DESCRIPTOR_BYTES + table
  if (random.chance(0.5)) {
    bytes[codeSize] = random.pick([0, 1, 2, 7, 8, 9, 11, 12, 13, 255])
    return bytes
  }
  const starts: number[] = []
  for (let at = codeSize + 1; at < bytes.byteLength; at += 1 + (bytes[at] ?? 0)) starts.push(at)
  if (starts.length > 0) bytes[random.pick(starts)] = random.below(256)
  return bytes
}

/** The same codes in pieces of another length, empty ones left out. */
function repack(bytes: Uint8Array, random: Random): Uint8Array {
  const first = Math.min(DESCRIPTOR_BYTES + 1, bytes.byteLength)
  const pieces: Uint8Array[] = [bytes.subarray(0, first)]
  const codes = bytes.subarray(first)
  for (let at = 0; at < codes.byteLength; ) {
    const length = random.between(1, Math.min(255, codes.byteLength - at))
    pieces.push(Uint8Array.of(length), codes.subarray(at, at + length))
    at += length
  }
  return concatBytes([...pieces, Uint8Array.of(0)])
}

/** Changes that know what a GIF is made of. */
export const GIF_MUTATORS: readonly Mutator[] = [
  part('GIF blocks rearranged', rearrange),
  part('GIF screen changed', (blocks, random) => changeKind(blocks, 'screen', (bytes) => changeScreen(bytes, random))),
  part('GIF picture moved or resized', (blocks, random) =>
    changeKind(blocks, 'image', (bytes) => changePlace(bytes, random)),
  ),
  part('GIF code sizes and lengths', (blocks, random) =>
    changeKind(blocks, 'image', (bytes) => changeLengths(bytes, random)),
  ),
  part('GIF codes in other pieces', (blocks, random) => changeKind(blocks, 'image', (bytes) => repack(bytes, random))),
  part('bits flipped in GIF data', (blocks, random) => changeKind(blocks, 'image', (bytes) => flipBits(bytes, random))),
  part('GIF extensions changed', (blocks, random) =>
    changeKind(blocks, 'extension', (bytes) => flipBits(bytes, random)),
  ),
  part('many GIF frames', (blocks, random) => {
    const frame = random.chance(0.5) ? gifPixel(random.below(9), random.below(9)) : blocks.at(-2)
    if (frame === undefined) return undefined
    const frames = Array.from({ length: random.between(1, 500) }, () => frame)
    return random.chance(0.5) ? [...blocks.slice(0, 1), ...frames, ...blocks.slice(1)] : [...blocks, ...frames]
  }),
]
