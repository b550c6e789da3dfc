/**
 * The two inner loops of the resize, four or sixteen lanes at a time. Compiled to `assets/resize-simd.wasm` by
 * `npm run build:wasm`; what the arguments mean stands at `ResizeKernel` in `src/image/resize-kernel.ts`.
 *
 * Source and target rows need 16 bytes of slack: a lane group may read or write past the last pixel.
 */

/** Half of the weight unit, so that the shift rounds. */
const HALF: i32 = 1 << 21
const SHIFT: i32 = 22

export function resizeColumns(
  source: usize,
  pixelBytes: usize,
  target: usize,
  table: usize,
  stride: usize,
  count: i32,
): void {
  for (let i = 0; i < count; i++) {
    let sum = i32x4.splat(HALF)
    let pixel = source + <usize>load<i32>(table) * pixelBytes
    let weight = table + 8
    const end = weight + ((<usize>load<i32>(table, 4)) << 2)
    while (weight < end) {
      const lanes = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(pixel)))
      sum = i32x4.add(sum, i32x4.mul(lanes, v128.load32_splat(weight)))
      weight += 4
      pixel += pixelBytes
    }
    sum = i32x4.shr_s(sum, SHIFT)
    const narrow = i16x8.narrow_i32x4_u(sum, sum)
    // Four bytes: the fourth is junk that the next pixel, or the slack, takes.
    store<u32>(target, i32x4.extract_lane(i8x16.narrow_i16x8_u(narrow, narrow), 0))
    target += 3
    table += stride << 2
  }
}

export function resizeRows(ring: usize, rowBytes: usize, depth: i32, target: usize, table: usize): void {
  const first = load<i32>(table) % depth
  const taps = load<i32>(table, 4)
  for (let at: usize = 0; at < rowBytes; at += 16) {
    let a = i32x4.splat(HALF)
    let b = a
    let c = a
    let d = a
    let slot = first
    for (let t = 0; t < taps; t++) {
      const bytes = v128.load(ring + <usize>slot * rowBytes + at)
      const weight = v128.load32_splat(table + 8 + ((<usize>t) << 2))
      const low = i16x8.extend_low_i8x16_u(bytes)
      const high = i16x8.extend_high_i8x16_u(bytes)
      a = i32x4.add(a, i32x4.mul(i32x4.extend_low_i16x8_u(low), weight))
      b = i32x4.add(b, i32x4.mul(i32x4.extend_high_i16x8_u(low), weight))
      c = i32x4.add(c, i32x4.mul(i32x4.extend_low_i16x8_u(high), weight))
      d = i32x4.add(d, i32x4.mul(i32x4.extend_high_i16x8_u(high), weight))
      slot++
      if (slot === depth) slot = 0
    }
    const low = i16x8.narrow_i32x4_u(i32x4.shr_s(a, SHIFT), i32x4.shr_s(b, SHIFT))
    const high = i16x8.narrow_i32x4_u(i32x4.shr_s(c, SHIFT), i32x4.shr_s(d, SHIFT))
    v128.store(target + at, i8x16.narrow_i16x8_u(low, high))
  }
}
