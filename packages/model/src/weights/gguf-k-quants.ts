/**
 * Blocks of 256 numbers with scales of scales ("k-quants"). Bytes:
 *
 *     Q4_K   | d | dm | 12 bytes of scales | 128 bytes of q |                           s·d·q - m·dm
 *     Q5_K   | d | dm | 12 bytes of scales | 32 bytes of fifth bits | 128 bytes of q |  s·d·q - m·dm
 *     Q6_K   | 128 bytes of low halves | 64 bytes of upper bits | 16 signed scales | d |  s·d·(q - 32)
 *
 * In Q4_K and Q5_K each run r of 32 numbers has a scale s and a minimum m of six bits. Those of r = 0 .. 3 lie in one
 * byte each, those of r = 4 .. 7 in one shared half byte and the upper two bits of an earlier byte:
 *
 *     byte 0 .. 3     | s_r+4 upper 2 | s_r 6     |
 *     byte 4 .. 7     | m_r+4 upper 2 | m_r 6     |
 *     byte 8 .. 11    | m_r+4 lower 4 | s_r+4 lower 4 |     (r = 0 .. 3, most significant bit on the left)
 *
 * Runs 2g and 2g + 1 share 32 bytes of q: low halves, high halves. Fifth bits: bit r of byte j is that of number j of
 * run r.
 */
import { float16ToNumber } from './dtype.ts'

const RUN = 32
const RUNS = 8

/** Writes the 256 numbers of a block of 144 bytes. */
export function dequantizeQ4K(block: DataView, out: Float32Array): void {
  for (let run = 0; run < RUNS; run++) {
    const { scale, minimum } = runScale(block, run)
    for (let j = 0; j < RUN; j++) out[run * RUN + j] = scale * runHalfByte(block, 16, run, j) - minimum
  }
}

/** Writes the 256 numbers of a block of 176 bytes. */
export function dequantizeQ5K(block: DataView, out: Float32Array): void {
  for (let run = 0; run < RUNS; run++) {
    const { scale, minimum } = runScale(block, run)
    for (let j = 0; j < RUN; j++) {
      const fifth = (block.getUint8(16 + j) >> run) & 1
      out[run * RUN + j] = scale * (runHalfByte(block, 48, run, j) + 16 * fifth) - minimum
    }
  }
}

/**
 * Writes the 256 numbers of a block of 210 bytes: two halves of four runs of 32. Of each half, runs 0 and 2 share its
 * first 32 bytes, runs 1 and 3 the next; the upper two bits of number j of run r are bits 2r of its byte j. A scale
 * holds for 16 numbers.
 */
export function dequantizeQ6K(block: DataView, out: Float32Array): void {
  const d = float16ToNumber(block.getUint16(208, true))
  for (let index = 0; index < out.length; index++) {
    const half = index >> 7
    const run = (index >> 5) & 3
    const j = index & 31
    const low = (block.getUint8(64 * half + 32 * (run & 1) + j) >> (run < 2 ? 0 : 4)) & 15
    const upper = (block.getUint8(128 + 32 * half + j) >> (2 * run)) & 3
    out[index] = block.getInt8(192 + (index >> 4)) * d * (16 * upper + low - 32)
  }
}

function runScale(block: DataView, run: number): { scale: number; minimum: number } {
  const byte = (index: number) => block.getUint8(4 + index)
  const r = run % 4
  const scale = run < 4 ? byte(r) & 63 : ((byte(r) >> 6) << 4) | (byte(8 + r) & 15)
  const minimum = run < 4 ? byte(4 + r) & 63 : ((byte(4 + r) >> 6) << 4) | (byte(8 + r) >> 4)
  return {
    scale: scale * float16ToNumber(block.getUint16(0, true)),
    minimum: minimum * float16ToNumber(block.getUint16(2, true)),
  }
}

function runHalfByte(block: DataView, at: number, run: number, j: number): number {
  return (block.getUint8(at + RUN * (run >> 1) + j) >> (run % 2 === 0 ? 0 : 4)) & 15
}
