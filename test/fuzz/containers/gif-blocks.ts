import { concatBytes, latin1Bytes, littleEndian16 } from './bytes.ts'

/** A GIF from one block to the next: its screen with the colours, an extension, an image, or the end. */
export interface GifBlock {
  readonly kind: 'screen' | 'extension' | 'image' | 'end'
  readonly bytes: Uint8Array
}

const SCREEN_BYTES = 13
const IMAGE_BYTES = 10

/** The blocks of a GIF. What is no whole block, or comes behind the end, stands in the last one. */
export function splitGif(bytes: Uint8Array): GifBlock[] {
  const colors = SCREEN_BYTES + tableBytes(bytes[10] ?? 0)
  if (colors > bytes.byteLength) return []
  const blocks: GifBlock[] = [{ kind: 'screen', bytes: bytes.subarray(0, colors) }]
  let at = colors
  for (let block = blockAt(bytes, at); block !== undefined && block.end <= bytes.byteLength; ) {
    blocks.push({ kind: block.kind, bytes: bytes.subarray(at, block.end) })
    at = block.end
    block = blockAt(bytes, at)
  }
  if (at < bytes.byteLength) blocks.push({ kind: 'end', bytes: bytes.subarray(at) })
  return blocks
}

function blockAt(bytes: Uint8Array, at: number): { kind: GifBlock['kind']; end: number } | undefined {
  switch (bytes[at]) {
    case 0x21:
      return { kind: 'extension', end: afterSubBlocks(bytes, at + 2) }
    case 0x2c:
      return { kind: 'image', end: afterSubBlocks(bytes, at + IMAGE_BYTES + tableBytes(bytes[at + 9] ?? 0) + 1) }
    case 0x3b:
      return { kind: 'end', end: at + 1 }
    default:
      return undefined
  }
}

function afterSubBlocks(bytes: Uint8Array, from: number): number {
  let at = from
  while (at < bytes.byteLength && bytes[at] !== 0) at += 1 + (bytes[at] ?? 0)
  return at + 1
}

/** Bytes of the table of colours that a byte of flags tells of. */
function tableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 << ((flags & 7) + 1)
}

/** A GIF of these blocks. */
export function joinGif(blocks: readonly GifBlock[]): Uint8Array {
  return concatBytes(blocks.map(({ bytes }) => bytes))
}

/** The first block of a GIF, with a table of two colours. */
export function gifScreen(width: number, height: number): GifBlock {
  const head = [latin1Bytes('GIF89a'), littleEndian16(width), littleEndian16(height), Uint8Array.of(0x80, 0, 0)]
  return { kind: 'screen', bytes: concatBytes([...head, Uint8Array.of(0, 0, 0, 255, 64, 0)]) }
}

/** A picture of one pixel at `x`, `y`, as small as it can be. */
export function gifPixel(x: number, y: number): GifBlock {
  const place = [x, y, 1, 1].map(littleEndian16)
  // Clear, colour 1, end: 3 bits each.
  const data = Uint8Array.of(0, 2, 2, 0x4c, 0x01, 0)
  return { kind: 'image', bytes: concatBytes([Uint8Array.of(0x2c), ...place, data]) }
}

/** The last block of a GIF. */
export const GIF_END: GifBlock = { kind: 'end', bytes: Uint8Array.of(0x3b) }
