export function unfilter(
  filter: i32,
  source: usize,
  above: usize,
  target: usize,
  byteLength: usize,
  pixelBytes: usize,
): void {
  if (filter === 0) memory.copy(target, source, byteLength)
  else if (filter === 1) unfilterSub(source, target, byteLength, pixelBytes)
  else if (filter === 2) unfilterUp(source, above, target, byteLength)
  else if (filter === 3) unfilterAverage(source, above, target, byteLength, pixelBytes)
  else unfilterPaeth(source, above, target, byteLength, pixelBytes)
}

// A pixel has 8 bytes at most. All 8 are written each time: what is too much, the next pixel or the slack takes.

function unfilterSub(source: usize, target: usize, byteLength: usize, pixelBytes: usize): void {
  let left = i8x16.splat(0)
  for (let i: usize = 0; i < byteLength; i += pixelBytes) {
    left = i8x16.add(v128.load64_zero(source + i), left)
    v128.store64_lane(target + i, left, 0)
  }
}

function unfilterUp(source: usize, above: usize, target: usize, byteLength: usize): void {
  for (let i: usize = 0; i < byteLength; i += 16) {
    v128.store(target + i, i8x16.add(v128.load(source + i), v128.load(above + i)))
  }
}

function unfilterAverage(source: usize, above: usize, target: usize, byteLength: usize, pixelBytes: usize): void {
  const one = i8x16.splat(1)
  let left = i8x16.splat(0)
  for (let i: usize = 0; i < byteLength; i += pixelBytes) {
    const up = v128.load64_zero(above + i)
    // The instruction rounds up, the filter down.
    const mean = i8x16.sub(i8x16.avgr_u(left, up), v128.and(v128.xor(left, up), one))
    left = i8x16.add(v128.load64_zero(source + i), mean)
    v128.store64_lane(target + i, left, 0)
  }
}

function unfilterPaeth(source: usize, above: usize, target: usize, byteLength: usize, pixelBytes: usize): void {
  let left = i16x8.splat(0)
  let corner = i16x8.splat(0)
  for (let i: usize = 0; i < byteLength; i += pixelBytes) {
    const up = v128.load8x8_u(above + i)
    const upStep = i16x8.sub(up, corner)
    const leftStep = i16x8.sub(left, corner)
    const toLeft = i16x8.abs(upStep)
    const toUp = i16x8.abs(leftStep)
    const toCorner = i16x8.abs(i16x8.add(upStep, leftStep))
    const least = i16x8.min_s(toCorner, i16x8.min_s(toLeft, toUp))
    const upOrCorner = v128.bitselect(up, corner, i16x8.eq(least, toUp))
    const nearest = v128.bitselect(left, upOrCorner, i16x8.eq(least, toLeft))
    const bytes = i8x16.add(v128.load64_zero(source + i), i8x16.narrow_i16x8_u(nearest, nearest))
    v128.store64_lane(target + i, bytes, 0)
    left = i16x8.extend_low_i8x16_u(bytes)
    corner = up
  }
}

/** RGBA to RGB, four pixels at a time. */
export function dropAlpha(source: usize, target: usize, pixels: usize): void {
  for (let i: usize = 0; i < pixels; i += 4, source += 16, target += 12) {
    const rgba = v128.load(source)
    v128.store(target, v128.shuffle<u8>(rgba, rgba, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 15, 15, 15, 15))
  }
}
