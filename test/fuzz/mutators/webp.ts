import { littleEndian24, littleEndian32, viewOf } from '../containers/bytes.ts'
import {
  extendedChunk,
  FRAME_FIELDS,
  frameChunk,
  joinRiff,
  joinWebp,
  type RiffChunk,
  splitRiff,
  splitWebp,
} from '../containers/riff-chunks.ts'
import type { Random } from '../random.ts'
import { flipBits } from './bytes.ts'
import { hostileExif } from './exif.ts'
import { anySide, type Mutator, partsMutator, rearrange } from './mutator.ts'

const WEBP = { split: splitWebp, join: joinWebp }
const MOST_FRAMES = 300

const part = (name: string, change: Parameters<typeof partsMutator<RiffChunk>>[2]) => partsMutator(name, WEBP, change)

/** Changes the chunks of these types, also inside frames. */
function changeChunks(
  chunks: readonly RiffChunk[],
  types: readonly string[],
  change: (payload: Uint8Array) => Uint8Array,
): RiffChunk[] {
  return chunks.map((chunk) => {
    if (types.includes(chunk.type)) return { ...chunk, payload: change(chunk.payload.slice()) }
    if (chunk.type !== 'ANMF') return chunk
    return withinFrame(chunk, (inner) => changeChunks(inner, types, change))
  })
}

function withinFrame({ type, payload }: RiffChunk, change: (chunks: RiffChunk[]) => RiffChunk[]): RiffChunk {
  const inner = joinRiff(change(splitRiff(payload.subarray(FRAME_FIELDS))))
  return { type, payload: Uint8Array.from([...payload.subarray(0, FRAME_FIELDS), ...inner]) }
}

function changeExtended(payload: Uint8Array, random: Random): Uint8Array {
  if (random.chance(0.4)) payload[0] = random.below(256)
  else payload.set(littleEndian24(Math.max(0, anySide(random) - 1)), random.pick([4, 7]))
  return payload
}

function changeFrameFields(payload: Uint8Array, random: Random): Uint8Array {
  payload.set(littleEndian24(anySide(random)), random.pick([0, 3, 6, 9, 12]))
  if (random.chance(0.2)) payload[15] = random.below(256)
  return payload
}

/** The first bytes of a bitstream: sizes, partitions, transforms. */
function changeBitstreamHead(payload: Uint8Array, random: Random): Uint8Array {
  payload.set(flipBits(payload.subarray(0, 40), random))
  return payload
}

function changeLossySize(payload: Uint8Array, random: Random): Uint8Array {
  if (payload.byteLength < 10) return payload
  viewOf(payload).setUint16(random.pick([6, 8]), anySide(random), true)
  return payload
}

/** A still picture in a container that can do more. */
function wrap(chunks: readonly RiffChunk[], random: Random): RiffChunk[] | undefined {
  const picture = chunks.filter(({ type }) => /^(ALPH|VP8[ L])$/.test(type))
  if (picture.length === 0) return undefined
  const [width, height] = [anySide(random) + 1, anySide(random) + 1]
  const head = extendedChunk(random.below(64), width, height)
  if (random.chance(0.4)) return [head, ...picture]
  const place = { x: anySide(random), y: anySide(random), width, height }
  const frames = Array.from({ length: random.between(1, MOST_FRAMES) }, () => frameChunk(place, picture))
  return [head, { type: 'ANIM', payload: random.bytes(6) }, ...frames]
}

/** Changes that know what a WebP is made of. */
export const WEBP_MUTATORS: readonly Mutator[] = [
  part('WebP chunks rearranged', rearrange),
  part('WebP chunks of a frame rearranged', (chunks, random, others) =>
    chunks.map((chunk) =>
      chunk.type === 'ANMF' ? withinFrame(chunk, (inner) => rearrange(inner, random, others)) : chunk,
    ),
  ),
  part('WebP canvas or flags changed', (chunks, random) =>
    changeChunks(chunks, ['VP8X'], (payload) => changeExtended(payload, random)),
  ),
  part('WebP frame moved or resized', (chunks, random) =>
    changeChunks(chunks, ['ANMF'], (payload) => changeFrameFields(payload, random)),
  ),
  part('WebP bitstream header changed', (chunks, random) =>
    changeChunks(chunks, ['VP8 ', 'VP8L', 'ALPH'], (payload) => changeBitstreamHead(payload, random)),
  ),
  part('WebP of another size', (chunks, random) =>
    changeChunks(chunks, ['VP8 '], (payload) => changeLossySize(payload, random)),
  ),
  part('bits flipped in WebP data', (chunks, random) =>
    changeChunks(chunks, ['VP8 ', 'VP8L', 'ALPH'], (payload) => flipBits(payload, random)),
  ),
  part('WebP data cut, lengths right', (chunks, random) =>
    changeChunks(chunks, ['VP8 ', 'VP8L', 'ALPH'], (payload) => payload.subarray(0, random.below(payload.byteLength))),
  ),
  part('a WebP in another container', wrap),
  part('hostile EXIF in a WebP', (chunks, random) => [
    ...(chunks[0]?.type === 'VP8X' ? [] : [extendedChunk(8, anySide(random) + 1, anySide(random) + 1)]),
    ...chunks,
    { type: 'EXIF', payload: hostileExif(random) },
  ]),
  {
    name: 'a WebP of another length',
    apply(bytes, random) {
      if (bytes.byteLength < 8) return undefined
      const length = random.pick([0, 4, 0xffff_ffff, 0xffff_fff7, bytes.byteLength, random.below(bytes.byteLength)])
      const changed = bytes.slice()
      changed.set(littleEndian32(length), 4)
      return changed
    },
  },
]
