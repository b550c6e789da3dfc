import { AppError } from '@loupe/shared/errors'
import { type FloatDType, float16ToNumber } from './dtype.ts'

let halves: Float32Array<ArrayBuffer> | undefined

/** The value of every float16 by its bits: 256 KiB that make reading one a look-up. */
export function float16Values(): Float32Array<ArrayBuffer> {
  halves ??= Float32Array.from({ length: 0x1_0000 }, (_, bits) => float16ToNumber(bits))
  return halves
}

/**
 * Floats of any type as float32, exactly.
 *
 * @param bytes - little-endian, at any alignment
 * @returns a copy
 * @throws AppError `weights.invalid` if the bytes are not whole floats
 */
export function widen(dtype: FloatDType, bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const size = dtype === 'F32' ? 4 : 2
  if (bytes.byteLength % size !== 0) {
    throw new AppError('weights.invalid', `${dtype}: expected whole floats, found ${bytes.byteLength} bytes.`)
  }
  // The stored bytes need not be aligned; a copy is.
  const { buffer } = bytes.slice()
  if (dtype === 'F32') return new Float32Array(buffer)
  const stored = new Uint16Array(buffer)
  return dtype === 'F16' ? widenFloat16(stored) : widenBfloat16(stored)
}

function widenFloat16(stored: Uint16Array): Float32Array<ArrayBuffer> {
  const values = float16Values()
  const wide = new Float32Array(stored.length)
  for (let i = 0; i < stored.length; i++) wide[i] = values[stored[i] ?? 0] ?? 0
  return wide
}

/** A bfloat16 is the upper half of a float32. */
function widenBfloat16(stored: Uint16Array): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(stored.length)
  for (let i = 0; i < stored.length; i++) words[i] = (stored[i] ?? 0) << 16
  return new Float32Array(words.buffer)
}
