import { checkChunks, checkSize, type ImageLimits, malformed } from './limits.ts'
import { type Orientation, type Size, UPRIGHT } from './orientation.ts'

/** What is known of a GIF before its first frame is decoded. */
export interface GifHeader extends Size {
  readonly format: 'gif'
  readonly orientation: Orientation
  /** Where the first frame stands on the canvas, which is `width` by `height`. */
  readonly frame: Size & { readonly x: number; readonly y: number }
  readonly isInterlaced: boolean
  /** RGB, 256 entries; those the file does not define are black. */
  readonly palette: Uint8Array
  /** The entry that fills the canvas around the frame. */
  readonly background: number
  /** Bits of a data code, 1 to 8. */
  readonly codeBits: number
  /** From the first data block on. */
  readonly data: Uint8Array
  /** Bytes that the decode will hold beside the file. */
  readonly heldBytes: number
}

const SCREEN_BYTES = 13
const DESCRIPTOR_BYTES = 9
const PALETTE_BYTES = 768
const EXTENSION = 0x21
const DESCRIPTOR = 0x2c
const TRAILER = 0x3b
const GRAPHIC_CONTROL = 0xf9
const TABLE_FLAG = 0x80
const INTERLACE_FLAG = 0x40
const TRANSPARENCY_FLAG = 1
/** The tables of the decompressor, and a few rows. */
const DECODER_BYTES = 128 * 1024

/**
 * Reads a GIF up to the pixels of its first frame; what follows them is never looked at.
 *
 * As in Pillow: a frame that reaches beyond the screen makes the picture larger, bytes between blocks that begin none are
 * passed over, and the last transparent colour before the frame counts.
 *
 * @throws AppError `image.malformed`, `image.too_large`
 * @see GIF89a specification, sections 18 to 23
 */
export function readGifHeader(bytes: Uint8Array, limits: ImageLimits): GifHeader {
  if (bytes.byteLength < SCREEN_BYTES) throw truncated('a screen descriptor')
  const flags = byteAt(bytes, 10)
  const global = colorTable(bytes, SCREEN_BYTES, flags)
  const { at, transparent } = findFrame(bytes, SCREEN_BYTES + (global?.byteLength ?? 0), limits)
  if (at + DESCRIPTOR_BYTES > bytes.byteLength) throw truncated('an image descriptor')

  const frame = { x: u16(bytes, at), y: u16(bytes, at + 2), width: u16(bytes, at + 4), height: u16(bytes, at + 6) }
  const size = {
    width: Math.max(u16(bytes, 6), frame.x + frame.width),
    height: Math.max(u16(bytes, 8), frame.y + frame.height),
  }
  checkSize('a frame of a GIF', frame, limits.side, limits.gifPixels)
  checkSize('a GIF', size, limits.side, limits.gifPixels)

  const frameFlags = byteAt(bytes, at + 8)
  const local = colorTable(bytes, at + DESCRIPTOR_BYTES, frameFlags)
  const dataAt = at + DESCRIPTOR_BYTES + (local?.byteLength ?? 0)
  const codeBits = bytes[dataAt]
  if (codeBits === undefined) throw truncated('the size of its codes')
  if (codeBits < 1 || codeBits > 8) throw malformed(`Expected GIF codes of 1 to 8 bits, found ${codeBits}.`)
  const isInterlaced = (frameFlags & INTERLACE_FLAG) !== 0
  return {
    format: 'gif',
    ...size,
    orientation: UPRIGHT,
    frame,
    isInterlaced,
    palette: fullPalette(local, global),
    background: transparent ?? 0,
    codeBits,
    data: bytes.subarray(dataAt + 1),
    heldBytes: DECODER_BYTES + (isInterlaced ? frame.width * frame.height : 0),
  }
}

interface FoundFrame {
  /** Of the first byte behind the separator. */
  readonly at: number
  readonly transparent: number | undefined
}

function findFrame(bytes: Uint8Array, from: number, limits: ImageLimits): FoundFrame {
  let transparent: number | undefined
  let blocks = 0
  for (let at = from; at < bytes.byteLength && bytes[at] !== TRAILER; ) {
    const separator = bytes[at++]
    if (separator === DESCRIPTOR) return { at, transparent }
    if (separator !== EXTENSION) continue
    checkChunks(++blocks, limits)
    if (bytes[at] === GRAPHIC_CONTROL && isTransparent(bytes, at)) transparent = bytes[at + 5]
    at = skipBlocks(bytes, at + 1)
  }
  throw malformed('Expected a picture in the GIF, found none.')
}

/** @param at - of the label of a graphic control extension */
function isTransparent(bytes: Uint8Array, at: number): boolean {
  return byteAt(bytes, at + 1) >= 4 && (byteAt(bytes, at + 2) & TRANSPARENCY_FLAG) !== 0
}

/** @returns where the data behind a chain of blocks begins */
function skipBlocks(bytes: Uint8Array, from: number): number {
  let at = from
  for (let length = byteAt(bytes, at); length > 0; length = byteAt(bytes, at)) at += 1 + length
  return at + 1
}

function colorTable(bytes: Uint8Array, at: number, flags: number): Uint8Array | undefined {
  if ((flags & TABLE_FLAG) === 0) return undefined
  const length = 6 << (flags & 7)
  if (at + length > bytes.byteLength) throw truncated(`${length} bytes of colours`)
  return bytes.subarray(at, at + length)
}

/**
 * The colours of a frame: its own, else those of the screen, else greys.
 *
 * To Pillow a table that lists greys in order is none at all, so that entries past its end are greys as well. A frame's own
 * greys give way to the colours of the screen: Pillow reads the frame as grey and then gives it those colours.
 */
function fullPalette(local: Uint8Array | undefined, global: Uint8Array | undefined): Uint8Array {
  const table = [local, global].find((colors) => colors !== undefined && !isGreyRamp(colors))
  const palette = new Uint8Array(PALETTE_BYTES)
  if (table !== undefined) palette.set(table)
  else for (let i = 0; i < PALETTE_BYTES; i++) palette[i] = Math.floor(i / 3)
  return palette
}

function isGreyRamp(colors: Uint8Array): boolean {
  return colors.every((value, i) => value === Math.floor(i / 3))
}

function truncated(expected: string): Error {
  return malformed(`Expected ${expected} in the GIF, found the end of the file: it is truncated.`)
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}

function u16(bytes: Uint8Array, at: number): number {
  return byteAt(bytes, at) | (byteAt(bytes, at + 1) << 8)
}
