/** Blocks of 256 numbers with scales of scales, unpacked; their bytes are drawn in `gguf-k-quants.ts`. */
import type { BlockRows } from './block-rows.ts'
import { float16Values } from './widen.ts'

const halves = float16Values()

/** From 144 bytes to 8 blocks of 32 in 4 bits, with offsets. */
export function unpackQ4K(bytes: Uint8Array, at: number, out: BlockRows, quant: number, scale: number): void {
  runScales(bytes, at, 8, out, scale)
  for (let pair = 0; pair < 4; pair++) {
    // Two runs share 32 bytes: one has the low halves, the other the high ones.
    const from = at + 16 + 32 * pair
    const to = quant + 32 * pair
    for (let j = 0; j < 16; j++) {
      const first = bytes[from + 2 * j] ?? 0
      const second = bytes[from + 2 * j + 1] ?? 0
      out.quants[to + j] = (first & 15) | ((second & 15) << 4)
      out.quants[to + 16 + j] = (first >> 4) | (second & 0xf0)
    }
  }
}

/** From 176 bytes to 8 blocks of 32 in 8 bits, with offsets. */
export function unpackQ5K(bytes: Uint8Array, at: number, out: BlockRows, quant: number, scale: number): void {
  runScales(bytes, at, 16, out, scale)
  for (let pair = 0; pair < 4; pair++) {
    const from = at + 48 + 32 * pair
    const to = quant + 64 * pair
    for (let j = 0; j < 32; j++) {
      const byte = bytes[from + j] ?? 0
      const fifths = (bytes[at + 16 + j] ?? 0) >> (2 * pair)
      out.quants[to + j] = ((byte & 15) | ((fifths & 1) << 4)) + 112
      out.quants[to + 32 + j] = ((byte >> 4) | ((fifths & 2) << 3)) + 112
    }
  }
}

/** From 210 bytes to 16 blocks of 16 in 8 bits. */
export function unpackQ6K(bytes: Uint8Array, at: number, out: BlockRows, quant: number, scale: number): void {
  const d = float16At(bytes, at + 208)
  for (let block = 0; block < 16; block++) {
    out.scales[scale + block] = (((bytes[at + 192 + block] ?? 0) << 24) >> 24) * d
  }
  for (let half = 0; half < 2; half++) {
    const low = at + 64 * half
    const to = quant + 128 * half
    for (let j = 0; j < 32; j++) {
      const first = bytes[low + j] ?? 0
      const second = bytes[low + 32 + j] ?? 0
      const upper = bytes[at + 128 + 32 * half + j] ?? 0
      out.quants[to + j] = ((first & 15) | ((upper & 3) << 4)) + 96
      out.quants[to + 32 + j] = ((second & 15) | ((upper & 12) << 2)) + 96
      out.quants[to + 64 + j] = ((first >> 4) | (upper & 48)) + 96
      out.quants[to + 96 + j] = ((second >> 4) | ((upper & 192) >> 2)) + 96
    }
  }
}

/**
 * Scales and offsets of 8 runs.
 *
 * @param middle - the number that is stored as zero
 */
function runScales(bytes: Uint8Array, at: number, middle: number, out: BlockRows, scale: number): void {
  const d = float16At(bytes, at)
  const dm = float16At(bytes, at + 2)
  for (let run = 0; run < 8; run++) {
    const r = at + 4 + (run & 3)
    const [s, m, shared] = [bytes[r] ?? 0, bytes[r + 4] ?? 0, bytes[r + 8] ?? 0]
    const step = d * (run < 4 ? s & 63 : ((s >> 6) << 4) | (shared & 15))
    const minimum = dm * (run < 4 ? m & 63 : ((m >> 6) << 4) | (shared >> 4))
    out.scales[scale + run] = step
    out.offsets[scale + run] = middle * step - minimum
  }
}

function float16At(bytes: Uint8Array, at: number): number {
  return halves[(bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)] ?? 0
}
