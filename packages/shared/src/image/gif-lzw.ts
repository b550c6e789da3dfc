import { malformed } from './limits.ts'

const MAX_CODE_BITS = 12
const MAX_CODES = 1 << MAX_CODE_BITS
/** Pixels that are gathered before they are handed on. */
const PIECE_PIXELS = 16_384

/** What to undo the compression of. */
export interface LzwData {
  /** Blocks, each behind its length. What follows the last pixel is not read. */
  readonly data: Uint8Array
  /** Bits of a colour index, 1 to 8. */
  readonly colorBits: number
  readonly pixels: number
}

/**
 * Undoes the compression of a GIF, as Pillow does: a full table grows no more and codes of 12 bits go on, a first code
 * after a clear must be a colour, and with 1-bit colours codes stay at 2 bits.
 *
 * @param take - gets the colour indices of all pixels in the order of the file, in pieces that it must not keep
 * @throws AppError `image.malformed` for an impossible code, or data that ends before the last pixel
 * @see GIF89a specification, appendix F
 */
export function decodeLzw({ data, colorBits, pixels }: LzwData, take: (indices: Uint8Array) => void): void {
  const clear = 1 << colorBits
  const end = clear + 1
  const readCode = codeReader(data)
  const table = stringTable(clear)
  const piece = new Uint8Array(PIECE_PIXELS + MAX_CODES)
  let filled = 0
  let left = pixels
  while (left > 0) {
    const code = readCode(table.codeBits)
    if (code === end) throw tooShort()
    if (code === clear) table.clear()
    else filled += table.write(code, piece, filled)
    if (filled >= Math.min(PIECE_PIXELS, left)) {
      take(piece.subarray(0, Math.min(filled, left)))
      left -= filled
      filled = 0
    }
  }
}

function tooShort(): Error {
  return malformed('Expected more pixels in the GIF, found the end of its data: it is truncated.')
}

/** Reads codes, lowest bits first, across the borders of blocks. */
function codeReader(data: Uint8Array): (bits: number) => number {
  let at = 0
  let blockEnd = 0
  let buffer = 0
  let held = 0
  return (bits) => {
    while (held < bits) {
      if (at === blockEnd) {
        const length = data[at] ?? 0
        // A block that the file does not hold whole is not begun, as in Pillow.
        if (length === 0 || at + 1 + length > data.byteLength) throw tooShort()
        at++
        blockEnd = at + length
      }
      buffer |= (data[at++] ?? 0) << held
      held += 8
    }
    const code = buffer & ((1 << bits) - 1)
    buffer >>>= bits
    held -= bits
    return code
  }
}

interface StringTable {
  /** Bits of the code that comes next. */
  readonly codeBits: number
  clear(): void
  /**
   * Writes the indices that a code stands for, at most 4096.
   *
   * @returns how many
   * @throws AppError `image.malformed` for a code that stands for nothing yet
   */
  write(code: number, target: Uint8Array, at: number): number
}

/** Every code beyond the clear code stands for the string of an earlier one (`prefix`) and one index more (`last`). */
function stringTable(clear: number): StringTable {
  const startBits = Math.log2(clear) + 1
  const prefix = new Uint16Array(MAX_CODES)
  const first = new Uint8Array(MAX_CODES)
  const last = new Uint8Array(MAX_CODES)
  const lengths = new Uint16Array(MAX_CODES).fill(1, 0, clear)
  for (let color = 0; color < clear; color++) {
    first[color] = color
    last[color] = color
  }
  let codeBits = startBits
  let free = clear + 2
  let before = -1

  /** The string of the code before, and the first index of the one after it, which may be the new string itself. */
  const add = (code: number) => {
    prefix[free] = before
    lengths[free] = (lengths[before] ?? 0) + 1
    first[free] = first[before] ?? 0
    last[free] = first[code] ?? 0
    if (free === (1 << codeBits) - 1 && codeBits < MAX_CODE_BITS) codeBits++
    free++
  }
  return {
    get codeBits() {
      return codeBits
    },
    clear() {
      codeBits = startBits
      free = clear + 2
      before = -1
    },
    write(code, target, at) {
      const most = before < 0 ? clear : free
      if (code > most) throw malformed(`Expected a GIF code of at most ${most}, found ${code}.`)
      if (before >= 0 && free < MAX_CODES) add(code)
      before = code
      const length = lengths[code] ?? 0
      for (let to = at + length - 1, from = code; to >= at; to--, from = prefix[from] ?? 0) target[to] = last[from] ?? 0
      return length
    },
  }
}
