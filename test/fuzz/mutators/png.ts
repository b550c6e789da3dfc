import { deflateSync, inflateSync } from 'node:zlib'
import { bigEndian32, concatBytes, latin1Bytes, viewOf } from '../containers/bytes.ts'
import { joinPng, type PngChunk, splitPng } from '../containers/png-chunks.ts'
import type { Random } from '../random.ts'
import { flipBits } from './bytes.ts'
import { hostileExif } from './exif.ts'
import { anySide, type Mutator, partsMutator, rearrange } from './mutator.ts'

const PNG = { split: splitPng, join: joinPng }
const COLOR_TYPES = [0, 2, 3, 4, 6, 1, 5, 7, 255]
const DEPTHS = [1, 2, 4, 8, 16, 0, 3, 32]
/** A megabyte of zeros, deflated a hundred times over, is as large as ten thousand pixels. */
const BOMB_BYTES = 8_000_000

const part = (name: string, change: Parameters<typeof partsMutator<PngChunk>>[2]) => partsMutator(name, PNG, change)

/** Replaces the payloads of the chunks that `isMeant` picks. */
function changePayload(
  chunks: readonly PngChunk[],
  isMeant: (chunk: PngChunk) => boolean,
  change: (payload: Uint8Array) => Uint8Array,
): PngChunk[] | undefined {
  if (!chunks.some(isMeant)) return undefined
  return chunks.map((chunk) => (isMeant(chunk) ? { ...chunk, payload: change(chunk.payload) } : chunk))
}

function changeHeader(payload: Uint8Array, random: Random): Uint8Array {
  if (payload.byteLength < 13) return payload
  const changed = payload.slice()
  const view = viewOf(changed)
  const field = random.below(7)
  if (field < 3) view.setUint32(field === 0 ? 0 : 4, random.chance(0.05) ? 2 ** 31 : anySide(random))
  else if (field === 3) changed[8] = random.pick(DEPTHS)
  else if (field === 4) changed[9] = random.pick(COLOR_TYPES)
  else changed[field + 5] = random.below(3)
  if (random.chance(0.2)) changed[12] = (changed[12] ?? 0) ^ 1
  return changed
}

/** All data of a picture taken out of its chunks, changed, and put into one chunk or many. */
function changeData(change: (data: Uint8Array, random: Random) => Uint8Array) {
  return (chunks: PngChunk[], random: Random): PngChunk[] | undefined => {
    const first = chunks.findIndex(({ type }) => type === 'IDAT')
    if (first < 0) return undefined
    const data = concatBytes(chunks.filter(({ type }) => type === 'IDAT').map(({ payload }) => payload))
    const rest = chunks.filter(({ type }) => type !== 'IDAT')
    return [...rest.slice(0, first), ...pieces(change(data, random), random), ...rest.slice(first)]
  }
}

function pieces(data: Uint8Array, random: Random): PngChunk[] {
  const chunks: PngChunk[] = []
  const most = random.chance(0.3) ? random.between(1, 100) : data.byteLength + 1
  for (let at = 0; at < data.byteLength || chunks.length === 0; ) {
    const end = at + random.between(0, most)
    chunks.push({ type: 'IDAT', payload: data.subarray(at, end) })
    at = end
  }
  return chunks
}

/** The rows of the picture changed, and deflated again in some way. */
function changeRows(change: (rows: Uint8Array, random: Random) => Uint8Array) {
  return changeData((data, random) => {
    const rows = inflated(data)
    if (rows === undefined) return data
    const options = { level: random.between(0, 9), strategy: random.below(5), windowBits: random.between(9, 15) }
    return new Uint8Array(deflateSync(change(rows, random), options))
  })
}

function inflated(data: Uint8Array): Uint8Array | undefined {
  try {
    return new Uint8Array(inflateSync(data, { maxOutputLength: BOMB_BYTES }))
  } catch {
    return undefined
  }
}

function changeStream(data: Uint8Array, random: Random): Uint8Array {
  const changed = data.slice()
  switch (random.below(4)) {
    case 0: // method, window and level, with a checksum that fits or not
      changed[0] = random.below(256)
      changed[1] = random.chance(0.5) ? 31 - (((changed[0] ?? 0) << 8) % 31) : random.below(256)
      return changed
    case 1: // Adler-32
      changed.set(random.bytes(Math.min(4, changed.byteLength)), Math.max(0, changed.byteLength - 4))
      return changed
    case 2:
      return concatBytes([changed, random.bytes(random.between(1, 300))])
    default:
      return concatBytes([changed, changed])
  }
}

/** Chunks that hold deflated text or a profile: a bomb for whoever inflates them. */
function bomb(random: Random): PngChunk {
  const deflated = deflateSync(new Uint8Array(random.between(1, BOMB_BYTES)))
  const heads: Record<string, string> = { iCCP: 'p\0\0', zTXt: 'k\0\0', iTXt: 'XML:com.adobe.xmp\0\x01\0\0\0' }
  const type = random.pick(Object.keys(heads))
  return { type, payload: concatBytes([latin1Bytes(heads[type] ?? ''), deflated]) }
}

function insert(chunks: readonly PngChunk[], random: Random, chunk: PngChunk): PngChunk[] {
  const at = random.below(chunks.length + 1)
  return [...chunks.slice(0, at), chunk, ...chunks.slice(at)]
}

/** Changes that know what a PNG is made of. */
export const PNG_MUTATORS: readonly Mutator[] = [
  part('PNG chunks rearranged', rearrange),
  part('PNG header changed', (chunks, random) =>
    changePayload(
      chunks,
      ({ type }) => type === 'IHDR',
      (payload) => changeHeader(payload, random),
    ),
  ),
  part('bits flipped in PNG chunks, checksums right', (chunks, random) => {
    const meant = random.below(chunks.length || 1)
    return chunks.map((chunk, i) => (i === meant ? { ...chunk, payload: flipBits(chunk.payload, random) } : chunk))
  }),
  part('PNG palette of another length', (chunks, random) =>
    changePayload(
      chunks,
      ({ type }) => type === 'PLTE' || type === 'tRNS',
      () => random.bytes(random.pick([0, 1, 2, 3, 5, 6, 768, 769, 2000])),
    ),
  ),
  part(
    'PNG data in other pieces',
    changeData((data) => data),
  ),
  part('PNG zlib stream changed', changeData(changeStream)),
  part('PNG rows with other filters', changeRows(flipBits)),
  part(
    'PNG rows too few',
    changeRows((rows, random) => rows.subarray(0, random.below(rows.byteLength + 1))),
  ),
  part(
    'PNG rows too many',
    changeRows((rows, random) => concatBytes([rows, new Uint8Array(random.between(1, 100_000))])),
  ),
  part('a bomb in PNG metadata', (chunks, random) => insert(chunks, random, bomb(random))),
  part('hostile EXIF in a PNG', (chunks, random) =>
    insert(chunks, random, { type: 'eXIf', payload: hostileExif(random) }),
  ),
  {
    name: 'a PNG chunk of another length',
    apply(bytes, random) {
      const chunks = splitPng(bytes)
      const before = joinPng(chunks.slice(0, random.below(chunks.length || 1))).byteLength
      if (before + 4 > bytes.byteLength) return undefined
      const length = random.pick([0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, random.below(bytes.byteLength)])
      const changed = bytes.slice()
      changed.set(bigEndian32(length), before)
      return changed
    },
  },
]
