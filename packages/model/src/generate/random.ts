const MASK_BITS = 64
/** 2^64 divided by the golden ratio: the step of SplitMix64. */
const STEP = 0x9e3779b97f4a7c15n
/** Another odd number, so that no stream is a later part of another one. */
const STREAM_STEP = 0xd1342543de82ef95n
const FRACTION_BITS = 53n

/**
 * A random number that depends on nothing but its keys, so that a draw can be repeated, alone and in any order.
 *
 * @param seed - any safe integer
 * @param position - which draw, from 0
 * @param stream - which of several streams of one seed, from 0
 * @returns uniform in [0, 1), 53 bits
 * @see Steele, Lea, Flood: Fast splittable pseudorandom number generators (OOPSLA 2014); SplitMix64 is the mix of a
 *   counter, read here at `position` of the stream that starts at the mixed seed
 */
export function uniformAt(seed: number, position: number, stream = 0): number {
  const bits = mix(streamStart(seed, stream) + (BigInt(position) + 1n) * STEP)
  return Number(bits >> (BigInt(MASK_BITS) - FRACTION_BITS)) / 2 ** Number(FRACTION_BITS)
}

/** The first stream starts at the mixed seed; each other one at a place of its own, far from those of nearby seeds. */
function streamStart(seed: number, stream: number): bigint {
  const start = mix(BigInt(seed))
  return stream === 0 ? start : mix(start + BigInt(stream) * STREAM_STEP)
}

function mix(value: bigint): bigint {
  let z = BigInt.asUintN(MASK_BITS, value)
  z = BigInt.asUintN(MASK_BITS, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n)
  z = BigInt.asUintN(MASK_BITS, (z ^ (z >> 27n)) * 0x94d049bb133111ebn)
  return z ^ (z >> 31n)
}
