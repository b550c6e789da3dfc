const MODULUS: u32 = 65521
/** So many bytes can be summed up before a sum could pass 32 bits, in groups of 16. */
const BLOCK_BYTES: usize = 5536

/** Adler-32 of some bytes, which go on from those of `start`. @see RFC 1950, section 9 */
export function adler32(from: usize, byteLength: usize, start: u32): u32 {
  let low = start & 0xffff
  let high = start >> 16
  const end = from + byteLength
  const falling = i16x8(16, 15, 14, 13, 12, 11, 10, 9)
  const rest = i16x8(8, 7, 6, 5, 4, 3, 2, 1)
  while (from < end) {
    const stop = min(from + BLOCK_BYTES, end)
    const groups = from + ((stop - from) & ~15)
    let sums = i32x4.splat(0)
    let before = sums
    let weighted = sums
    high += low * <u32>(groups - from)
    for (; from < groups; from += 16) {
      const bytes = v128.load(from)
      before = i32x4.add(before, sums)
      sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(bytes)))
      weighted = i32x4.add(weighted, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(bytes), falling))
      weighted = i32x4.add(weighted, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(bytes), rest))
    }
    high += 16 * total(before) + total(weighted)
    low += total(sums)
    for (; from < stop; from++) {
      low += load<u8>(from)
      high += low
    }
    low %= MODULUS
    high %= MODULUS
  }
  return (high << 16) | low
}

function total(lanes: v128): u32 {
  return (
    i32x4.extract_lane(lanes, 0) +
    i32x4.extract_lane(lanes, 1) +
    i32x4.extract_lane(lanes, 2) +
    i32x4.extract_lane(lanes, 3)
  )
}
