/** Magnitudes of float32 numbers as their bits without the sign, which are ordered as the magnitudes are. */

/** Bits that are all set in infinities and NaN, and in no number. */
const NOT_FINITE = 0x7f80_0000
const MAGNITUDE = 0x7fff_ffff

/**
 * Weights whose largest is below this are stored as zeros: their scale would be subnormal, too coarse to keep the
 * quotients in range. 2^-118 is 3e-36.
 */
const SMALLEST_EXTREME = 2 ** -118

const word = new Int32Array(1)
const wordAsFloat = new Float32Array(word.buffer)

/** False for the magnitude of an infinity or NaN, which is above that of every number. */
export function isFiniteMagnitude(bits: number): boolean {
  return bits < NOT_FINITE
}

/** The largest magnitude from `start` to before `end`. @param words - the bits of float32 numbers */
export function largestMagnitude(words: Int32Array, start: number, end: number): number {
  let largest = 0
  for (let i = start; i < end; i++) {
    const magnitude = (words[i] ?? 0) & MAGNITUDE
    largest = magnitude > largest ? magnitude : largest
  }
  return largest
}

/** The float32 step at which `bits` is `steps` away from zero; 0 if that is too small to divide by. */
export function scaleOf(bits: number, steps: number): number {
  word[0] = bits
  const magnitude = wordAsFloat[0] ?? 0
  return magnitude < SMALLEST_EXTREME ? 0 : Math.fround(magnitude / steps)
}
