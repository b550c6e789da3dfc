/**
 * From the blocks of GGUF to the numbers they stand for. Every product below fits a float64 without rounding, so each
 * number is rounded once, to the nearest float32.
 *
 * Bytes of a block; `d` and `m` are float16, `q` the numbers as small integers:
 *
 *     Q8_0   | d | q0 .. q31, a signed byte each |                         q·d
 *     Q4_0   | d | 16 bytes: low halves q0 .. q15, high halves q16 .. q31 |  (q - 8)·d
 *     Q4_1   | d | m | the same 16 bytes |                                 q·d + m
 *     Q5_0   | d | 32 fifth bits, bit j of q_j | the same 16 bytes |       (q - 16)·d
 *     Q5_1   | d | m | 32 fifth bits | the same 16 bytes |                 q·d + m
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h
 */
import { AppError } from '@loupe/shared/errors'
import { type FloatDType, float16ToNumber, isFloatDType } from './dtype.ts'
import { dequantizeQ4K, dequantizeQ5K, dequantizeQ6K } from './gguf-k-quants.ts'
import { GGUF_TYPES, type GgufDType } from './gguf-types.ts'
import { toFloat32 } from './to-float32.ts'

/** Writes the numbers of one block, as many as `out` takes. */
type BlockDecoder = (block: DataView, out: Float32Array) => void

const DECODERS: Readonly<Record<Exclude<GgufDType, FloatDType>, BlockDecoder>> = {
  Q8_0: (block, out) => {
    const d = float16At(block, 0)
    for (let j = 0; j < out.length; j++) out[j] = block.getInt8(2 + j) * d
  },
  Q4_0: (block, out) => {
    const d = float16At(block, 0)
    for (let j = 0; j < out.length; j++) out[j] = (halfByte(block, 2, j) - 8) * d
  },
  Q4_1: (block, out) => {
    const [d, m] = [float16At(block, 0), float16At(block, 2)]
    for (let j = 0; j < out.length; j++) out[j] = halfByte(block, 4, j) * d + m
  },
  Q5_0: (block, out) => {
    const d = float16At(block, 0)
    const fifth = block.getUint32(2, true)
    for (let j = 0; j < out.length; j++) out[j] = (halfByte(block, 6, j) + fifthBit(fifth, j) - 16) * d
  },
  Q5_1: (block, out) => {
    const [d, m] = [float16At(block, 0), float16At(block, 2)]
    const fifth = block.getUint32(4, true)
    for (let j = 0; j < out.length; j++) out[j] = (halfByte(block, 8, j) + fifthBit(fifth, j)) * d + m
  },
  Q4_K: dequantizeQ4K,
  Q5_K: dequantizeQ5K,
  Q6_K: dequantizeQ6K,
}

/**
 * The numbers of whole blocks as float32.
 *
 * @param bytes - blocks one after another, at any alignment
 * @throws AppError `weights.invalid` if they are not whole blocks
 */
export function dequantize(dtype: GgufDType, bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const { blockSize, blockBytes } = GGUF_TYPES[dtype]
  const blocks = bytes.byteLength / blockBytes
  if (!Number.isInteger(blocks)) {
    const found = `found ${bytes.byteLength}`
    throw new AppError('weights.invalid', `${dtype}: expected whole blocks of ${blockBytes} bytes, ${found}.`)
  }
  if (isFloatDType(dtype)) return toFloat32({ dtype, shape: [blocks], data: bytes })
  const decode = DECODERS[dtype]
  const numbers = new Float32Array(blocks * blockSize)
  for (let block = 0; block < blocks; block++) {
    const view = new DataView(bytes.buffer, bytes.byteOffset + block * blockBytes, blockBytes)
    decode(view, numbers.subarray(block * blockSize, (block + 1) * blockSize))
  }
  return numbers
}

function float16At(block: DataView, at: number): number {
  return float16ToNumber(block.getUint16(at, true))
}

/** Number `j` of 32 in 16 bytes. */
function halfByte(block: DataView, at: number, j: number): number {
  return (block.getUint8(at + (j % 16)) >> (j < 16 ? 0 : 4)) & 15
}

function fifthBit(bits: number, j: number): number {
  return ((bits >>> j) & 1) << 4
}
