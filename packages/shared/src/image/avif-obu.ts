import { malformed, tooLarge } from './limits.ts'
import type { Size } from './orientation.ts'

/** What a piece of AV1 will cost. */
export interface Av1Cost {
  /** The largest frame that any of its sequence headers allows. */
  readonly frame: Size
  /** Frames that will be decoded, shown or not. */
  readonly frames: number
}

const SEQUENCE_HEADER = 1
const FRAME_HEADER = 3
const FRAME = 6
const EXTENSION_FLAG = 4
const SIZE_FLAG = 2
const MAX_LEB128_BYTES = 8

/**
 * Walks the units of an AV1 stream, so that what it will cost is known before it is decoded. The container tells a size
 * too, but nothing makes it tell the truth, and a still picture may hide any number of frames that are never shown.
 *
 * @throws AppError `image.malformed`
 * @see AV1 Bitstream & Decoding Process Specification, sections 5.3 to 5.5
 */
export function readAv1Cost(data: Uint8Array): Av1Cost {
  let frame: Size = { width: 0, height: 0 }
  let frames = 0
  for (const { type, payload } of units(data)) {
    if (type === SEQUENCE_HEADER) frame = largest(frame, sequenceSize(payload))
    else if (type === FRAME || type === FRAME_HEADER) frames++
  }
  if (frame.width === 0 || frames === 0) throw malformed('Expected a frame in the AV1 data, found none.')
  return { frame, frames }
}

function largest(one: Size, other: Size): Size {
  return { width: Math.max(one.width, other.width), height: Math.max(one.height, other.height) }
}

interface Unit {
  readonly type: number
  readonly payload: Uint8Array
}

function* units(data: Uint8Array): Generator<Unit, undefined> {
  for (let at = 0; at < data.byteLength; ) {
    const header = data[at] ?? 0
    const start = at + ((header & EXTENSION_FLAG) === 0 ? 1 : 2)
    const sized = (header & SIZE_FLAG) === 0 ? undefined : leb128(data, start)
    const from = sized?.end ?? start
    const end = sized === undefined ? data.byteLength : from + sized.value
    if (end > data.byteLength) throw malformed('Expected a whole unit in the AV1 data, found its end: it is truncated.')
    yield { type: (header >> 3) & 15, payload: data.subarray(from, end) }
    at = end
  }
  return undefined
}

function leb128(data: Uint8Array, from: number): { value: number; end: number } {
  let value = 0
  for (let i = 0; i < MAX_LEB128_BYTES; i++) {
    const byte = data[from + i] ?? 0
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return { value, end: from + i + 1 }
  }
  throw malformed('Expected the length of an AV1 unit in at most 8 bytes, found more.')
}

/** The largest frame of a sequence. A frame may be smaller, never larger. */
function sequenceSize(payload: Uint8Array): Size {
  const bits = bitReader(payload)
  bits(3 + 1) // profile, still picture
  if (bits(1) === 1)
    bits(5) // a reduced header has a level and nothing else
  else skipOperatingPoints(bits)
  const widthBits = bits(4) + 1
  const heightBits = bits(4) + 1
  return { width: bits(widthBits) + 1, height: bits(heightBits) + 1 }
}

function skipOperatingPoints(bits: BitReader): void {
  const timing = bits(1) === 1 ? skipTiming(bits) : undefined
  const hasInitialDelay = bits(1) === 1
  const points = bits(5) + 1
  for (let i = 0; i < points; i++) {
    bits(12)
    if (bits(5) > 7) bits(1)
    if (timing !== undefined && bits(1) === 1) {
      bits(timing.delayBits)
      bits(timing.delayBits)
      bits(1)
    }
    if (hasInitialDelay && bits(1) === 1) bits(4)
  }
}

/** @returns the decoder model, if there is one */
function skipTiming(bits: BitReader): { delayBits: number } | undefined {
  bits(32)
  bits(32)
  if (bits(1) === 1) skipUvlc(bits)
  if (bits(1) === 0) return undefined
  const delayBits = bits(5) + 1
  bits(32)
  bits(5 + 5)
  return { delayBits }
}

function skipUvlc(bits: BitReader): void {
  let zeros = 0
  while (bits(1) === 0) zeros++
  if (zeros < 32) bits(zeros)
}

/** Gives the next bits as a number, most significant first. @throws AppError `image.malformed` past the end */
type BitReader = (count: number) => number

function bitReader(bytes: Uint8Array): BitReader {
  let at = 0
  return (count) => {
    if (at + count > bytes.byteLength * 8)
      throw malformed('Expected a whole sequence header in the AV1 data, found its end.')
    let value = 0
    for (let i = 0; i < count; i++, at++) value = value * 2 + (((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1)
    return value
  }
}

/**
 * @param limits - `pixels` over all pieces, `frames` of one
 * @throws AppError `image.too_large`
 */
export function checkAv1Costs(costs: readonly Av1Cost[], limits: { pixels: number; frames: number }): void {
  for (const { frames } of costs) {
    if (frames > limits.frames) throw tooLarge(`an AVIF of at most ${limits.frames} frames`, `${frames}`)
  }
  const pixels = costs.reduce((sum, { frame }) => sum + frame.width * frame.height, 0)
  if (pixels > limits.pixels) {
    throw tooLarge(`an AVIF whose data decodes to at most ${limits.pixels} pixels`, `${pixels}`)
  }
}
