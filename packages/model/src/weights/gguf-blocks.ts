/**
 * From the blocks of GGUF to those that are computed with (`block-rows.ts`), without quantising again: only the order and
 * the zero of the numbers change. `q` is what a file stores.
 *
 * | type | bits, block | number | scale | offset |
 * | --- | --- | --- | --- | --- |
 * | Q4_0 | 4, 32 | q | d | |
 * | Q8_0 | 8, 32 | q + 128 | d | |
 * | Q5_0 | 8, 32 | q + 112 | d | |
 * | Q6_K | 8, 16 | q + 96 | s·d | |
 * | Q4_1 | 4, 32 | q | d | m + 8·d |
 * | Q4_K | 4, 32 | q | s·d | 8·s·d - m·dm |
 * | Q5_1 | 8, 32 | q + 112 | d | m + 16·d |
 * | Q5_K | 8, 32 | q + 112 | s·d | 16·s·d - m·dm |
 *
 * Scales are exact: 19 bits at most. An offset is rounded to the nearest float32. With the middle of the numbers at zero,
 * a rounded activation spoils the product least.
 */

import type { BlockForm, BlockRows } from './block-rows.ts'
import type { FloatDType } from './dtype.ts'
import { unpackQ4K, unpackQ5K, unpackQ6K } from './gguf-k-blocks.ts'
import { GGUF_TYPES, type GgufDType } from './gguf-types.ts'
import { float16Values } from './widen.ts'

/** A type of GGUF that is stored in blocks. */
export type GgufBlockType = Exclude<GgufDType, FloatDType>

/** What each type becomes. */
export const GGUF_BLOCK_FORMS = {
  Q4_0: { bits: 4, blockSize: 32, hasOffsets: false },
  Q4_1: { bits: 4, blockSize: 32, hasOffsets: true },
  Q5_0: { bits: 8, blockSize: 32, hasOffsets: false },
  Q5_1: { bits: 8, blockSize: 32, hasOffsets: true },
  Q8_0: { bits: 8, blockSize: 32, hasOffsets: false },
  Q4_K: { bits: 4, blockSize: 32, hasOffsets: true },
  Q5_K: { bits: 8, blockSize: 32, hasOffsets: true },
  Q6_K: { bits: 8, blockSize: 16, hasOffsets: false },
} as const satisfies Record<GgufBlockType, BlockForm>

/** Unpacks the stored block that starts at byte `at`; its numbers begin at `out.quants[quant]`, its scales at `scale`. */
type BlockUnpacker = (bytes: Uint8Array, at: number, out: BlockRows, quant: number, scale: number) => void

const UNPACKERS: Readonly<Record<GgufBlockType, BlockUnpacker>> = {
  Q8_0: (bytes, at, { quants, scales }, quant, scale) => {
    scales[scale] = float16At(bytes, at)
    for (let j = 0; j < 32; j++) quants[quant + j] = (bytes[at + 2 + j] ?? 0) ^ 0x80
  },
  Q4_0: (bytes, at, { quants, scales }, quant, scale) => {
    scales[scale] = float16At(bytes, at)
    pairHalves(bytes, at + 2, quants, quant)
  },
  Q4_1: (bytes, at, { quants, scales, offsets }, quant, scale) => {
    const d = float16At(bytes, at)
    scales[scale] = d
    offsets[scale] = float16At(bytes, at + 2) + 8 * d
    pairHalves(bytes, at + 4, quants, quant)
  },
  Q5_0: (bytes, at, { quants, scales }, quant, scale) => {
    scales[scale] = float16At(bytes, at)
    joinFifths(bytes, at + 2, quants, quant)
  },
  Q5_1: (bytes, at, { quants, scales, offsets }, quant, scale) => {
    const d = float16At(bytes, at)
    scales[scale] = d
    offsets[scale] = float16At(bytes, at + 2) + 16 * d
    joinFifths(bytes, at + 4, quants, quant)
  },
  Q4_K: unpackQ4K,
  Q5_K: unpackQ5K,
  Q6_K: unpackQ6K,
}

/**
 * Unpacks whole blocks.
 *
 * @param bytes - blocks of the type one after another
 * @param out - of the form in {@link GGUF_BLOCK_FORMS}
 * @returns whether every scale and offset is a number
 */
export function unpackGgufBlocks(type: GgufBlockType, bytes: Uint8Array, out: BlockRows): boolean {
  const { blockSize: stored, blockBytes } = GGUF_TYPES[type]
  const { bits, blockSize } = GGUF_BLOCK_FORMS[type]
  const quantBytes = (stored * bits) / 8
  const unpack = UNPACKERS[type]
  const blocks = bytes.byteLength / blockBytes
  for (let block = 0; block < blocks; block++) {
    unpack(bytes, block * blockBytes, out, block * quantBytes, block * (stored / blockSize))
  }
  return out.scales.every(Number.isFinite) && out.offsets.every(Number.isFinite)
}

/** From 16 bytes with numbers 0 to 15 in their low halves and 16 to 31 in the high ones, to pairs. */
function pairHalves(bytes: Uint8Array, at: number, quants: Uint8Array, quant: number): void {
  for (let j = 0; j < 8; j++) {
    const first = bytes[at + 2 * j] ?? 0
    const second = bytes[at + 2 * j + 1] ?? 0
    quants[quant + j] = (first & 15) | ((second & 15) << 4)
    quants[quant + 8 + j] = (first >> 4) | (second & 0xf0)
  }
}

/** The same bytes behind 32 fifth bits, to a byte each: q - 16 above the zero of 128. */
function joinFifths(bytes: Uint8Array, at: number, quants: Uint8Array, quant: number): void {
  const fifths =
    (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
  for (let j = 0; j < 16; j++) {
    const byte = bytes[at + 4 + j] ?? 0
    quants[quant + j] = ((byte & 15) | (((fifths >>> j) & 1) << 4)) + 112
    quants[quant + 16 + j] = ((byte >> 4) | (((fifths >>> (16 + j)) & 1) << 4)) + 112
  }
}

const halves = float16Values()

function float16At(bytes: Uint8Array, at: number): number {
  return halves[(bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)] ?? 0
}
