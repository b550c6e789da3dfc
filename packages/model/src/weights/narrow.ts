/** Rounding float32 to 16 bits, to the nearest value and ties to even, as hardware does. */

const MAGNITUDE = 0x7fff_ffff
/** The least float32, as bits, that rounds to an infinity. */
const BFLOAT16_OVERFLOW = 0x7f7f_8000
/** 65520: half a step above the largest float16. */
const FLOAT16_OVERFLOW = 0x477f_f000
/** 2^-14, the smallest normal float16. */
const FLOAT16_NORMAL = 0x3880_0000
/** What the exponents of the two formats differ by, in place. */
const REBIAS = (127 - 15) << 23
/** Adding and taking away 2^52 rounds a smaller positive number to a whole one, ties to even. */
const ROUND = 2 ** 52

/**
 * @returns the bits of the nearest 16-bit floats; `undefined` if a weight is not a number or too large for the type
 */
export function narrow(dtype: 'F16' | 'BF16', weights: Float32Array): Uint16Array<ArrayBuffer> | undefined {
  const words = new Uint32Array(weights.buffer, weights.byteOffset, weights.length)
  return dtype === 'BF16' ? toBfloat16(words) : toFloat16(words, weights)
}

function toBfloat16(words: Uint32Array): Uint16Array<ArrayBuffer> | undefined {
  const bits = new Uint16Array(words.length)
  let largest = 0
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? 0
    largest = Math.max(largest, word & MAGNITUDE)
    bits[i] = (word + 0x7fff + ((word >>> 16) & 1)) >>> 16
  }
  return largest < BFLOAT16_OVERFLOW ? bits : undefined
}

function toFloat16(words: Uint32Array, weights: Float32Array): Uint16Array<ArrayBuffer> | undefined {
  const bits = new Uint16Array(words.length)
  let largest = 0
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? 0
    const magnitude = word & MAGNITUDE
    largest = Math.max(largest, magnitude)
    const rounded =
      magnitude < FLOAT16_NORMAL
        ? Math.abs(weights[i] ?? 0) * 2 ** 24 + ROUND - ROUND // subnormal: steps of 2^-24
        : (magnitude - REBIAS + 0xfff + ((magnitude >> 13) & 1)) >> 13
    bits[i] = ((word >>> 16) & 0x8000) | rounded
  }
  return largest < FLOAT16_OVERFLOW ? bits : undefined
}
