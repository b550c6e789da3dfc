import { bigEndian16, concatBytes, latin1Bytes } from '../containers/bytes.ts'
import { isFrame, type JpegSegment, joinJpeg, jpegSegment, splitJpeg } from '../containers/jpeg-segments.ts'
import type { Random } from '../random.ts'
import { flipBits } from './bytes.ts'
import { hostileExif } from './exif.ts'
import { anySide, type Mutator, partsMutator, rearrange } from './mutator.ts'

const JPEG = { split: splitJpeg, join: joinJpeg }
const HUFFMAN = 0xc4
const QUANTISATION = 0xdb
const SCAN = 0xda
const RESTART_INTERVAL = 0xdd
const SAMPLING = [0x11, 0x12, 0x21, 0x22, 0x41, 0x14, 0x44, 0x13, 0x31, 0x00, 0x15, 0xff]
const MOST_SCANS = 140

const part = (name: string, change: Parameters<typeof partsMutator<JpegSegment>>[2]) => partsMutator(name, JPEG, change)

/** Changes one of the segments that `isMeant` picks. */
function changeOne(
  segments: readonly JpegSegment[],
  random: Random,
  isMeant: (segment: JpegSegment) => boolean,
  change: (payload: Uint8Array) => Uint8Array,
): JpegSegment[] | undefined {
  const meant = segments.filter(isMeant)
  if (meant.length === 0) return undefined
  const chosen = random.pick(meant)
  return segments.map((segment) =>
    segment === chosen && segment.payload !== undefined
      ? { ...segment, payload: change(segment.payload.slice()) }
      : segment,
  )
}

const is = (marker: number) => (segment: JpegSegment) => segment.marker === marker

function changeFrame(payload: Uint8Array, random: Random): Uint8Array {
  const component = 6 + 3 * random.below(payload[5] ?? 1)
  switch (random.below(6)) {
    case 0:
      payload[0] = random.pick([8, 12, 16, 0, 1])
      break
    case 1:
      payload.set(bigEndian16(anySide(random)), random.pick([1, 3]))
      break
    case 2:
      payload[5] = random.pick([0, 1, 2, 3, 4, 5, 255])
      break
    case 3:
      payload[component] = random.below(5)
      break
    case 4:
      payload[component + 1] = random.pick(SAMPLING)
      break
    default:
      payload[component + 2] = random.pick([0, 1, 2, 3, 4, 255])
  }
  return payload
}

/** Counts of code lengths, symbols, or the table they are for. */
function changeHuffman(payload: Uint8Array, random: Random): Uint8Array {
  const at = random.chance(0.4) ? random.between(0, 16) : random.below(payload.byteLength || 1)
  payload[at] = random.pick([0, 1, 2, 0x10, 0x11, 0x7f, 0xf0, 0xff, random.below(256)])
  return payload
}

/** Its components and tables, or the spectral selection and approximation at its end. */
function changeScan(payload: Uint8Array, random: Random): Uint8Array {
  const at = random.chance(0.6) ? payload.byteLength - 1 - random.below(3) : random.below(payload.byteLength || 1)
  payload[at] = random.pick([0, 1, 2, 5, 63, 64, 0x10, 0x01, 0x13, 0xff, random.below(256)])
  return payload
}

/** Restart and other markers in the coded data: put in, taken out, or in another order. */
function stirCoded(coded: Uint8Array, random: Random): Uint8Array {
  const pieces: Uint8Array[] = []
  let from = 0
  for (let at = coded.indexOf(0xff); at >= 0; at = coded.indexOf(0xff, at + 1)) {
    if (((coded[at + 1] ?? 0) & 0xf8) !== 0xd0) continue
    pieces.push(coded.subarray(from, at))
    from = at
  }
  pieces.push(coded.subarray(from))
  if (pieces.length > 1 && random.chance(0.6)) return concatBytes(rearrange(pieces, random, pieces))
  const soup = Array.from({ length: random.between(1, 40) }, () => {
    const at = random.below(coded.byteLength + 1)
    return [at, Uint8Array.of(0xff, random.chance(0.7) ? 0xd0 + random.below(8) : random.below(256))] as const
  }).sort(([a], [b]) => a - b)
  let last = 0
  const stirred = soup.flatMap(([at, marker]) => {
    const before = coded.subarray(last, at)
    last = at
    return [before, marker]
  })
  return concatBytes([...stirred, coded.subarray(last)])
}

/** More scans, with the data of the first or with none. */
function repeatScan(segments: readonly JpegSegment[], random: Random): JpegSegment[] | undefined {
  const last = segments.findLastIndex(is(SCAN))
  const scan = segments[last]
  if (scan === undefined) return undefined
  const copy = random.chance(0.5) ? scan : { ...scan, coded: new Uint8Array() }
  const copies = Array.from({ length: random.between(1, MOST_SCANS) }, () => copy)
  return [...segments.slice(0, last), ...copies, ...segments.slice(last)]
}

function insertAfterStart(segments: readonly JpegSegment[], segment: JpegSegment): JpegSegment[] {
  return [...segments.slice(0, 1), segment, ...segments.slice(1)]
}

/** Changes that know what a JPEG is made of. */
export const JPEG_MUTATORS: readonly Mutator[] = [
  part('JPEG segments rearranged', rearrange),
  part('JPEG frame header changed', (segments, random) =>
    changeOne(segments, random, isFrame, (payload) => changeFrame(payload, random)),
  ),
  part('another kind of JPEG frame', (segments, random) =>
    segments.map((segment) => (isFrame(segment) ? { ...segment, marker: 0xc0 + random.below(16) } : segment)),
  ),
  part('JPEG Huffman table changed', (segments, random) =>
    changeOne(segments, random, is(HUFFMAN), (payload) => changeHuffman(payload, random)),
  ),
  part('JPEG quantisation table changed', (segments, random) =>
    changeOne(segments, random, is(QUANTISATION), (payload) =>
      random.chance(0.3) ? payload.fill(random.pick([0, 1, 255]), 1) : flipBits(payload, random),
    ),
  ),
  part('JPEG scan header changed', (segments, random) =>
    changeOne(segments, random, is(SCAN), (payload) => changeScan(payload, random)),
  ),
  part('JPEG scans repeated', repeatScan),
  part('marker soup in JPEG data', (segments, random) =>
    segments.map((segment) =>
      segment.coded.byteLength > 0 ? { ...segment, coded: stirCoded(segment.coded, random) } : segment,
    ),
  ),
  part('JPEG restart interval', (segments, random) =>
    insertAfterStart(segments, jpegSegment(RESTART_INTERVAL, bigEndian16(random.pick([0, 1, 2, 7, 255, 65_535])))),
  ),
  part('Adobe marker in a JPEG', (segments, random) => {
    const adobe = concatBytes([latin1Bytes('Adobe'), random.bytes(6), Uint8Array.of(random.below(4))])
    return insertAfterStart(segments, jpegSegment(0xee, adobe))
  }),
  part('hostile EXIF in a JPEG', (segments, random) => {
    const exif = concatBytes([latin1Bytes('Exif\0\0'), hostileExif(random)])
    return insertAfterStart(segments, jpegSegment(0xe1, exif))
  }),
  part('JPEG fill bytes and comments', (segments, random) =>
    segments.flatMap((segment) =>
      random.chance(0.3) ? [segment, jpegSegment(0xfe, random.bytes(random.below(200)))] : [segment],
    ),
  ),
]
