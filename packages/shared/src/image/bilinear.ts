/**
 * For each output pixel along one axis: which source pixels count, and how much.
 *
 * Rows of `stride` integers, `count` of them: `[first source pixel, number of taps, weight, weight, ...]`.
 * Weights are fixed point with {@link WEIGHT_BITS} fraction bits.
 */
export interface WeightTable {
  readonly data: Int32Array
  readonly stride: number
  readonly count: number
  /** The longest row of weights. */
  readonly maxTaps: number
}

/** Fraction bits of a weight. 8 bits of pixel and 22 of weight fill a signed 32-bit sum. */
export const WEIGHT_BITS = 22

/**
 * Weights of Pillow's bilinear filter: a triangle that widens when the picture shrinks.
 *
 * The arithmetic follows Pillow step by step in doubles, down to the order of operations, because the rounded weights
 * must be its own.
 *
 * @param from - source pixels along the axis
 * @param to - output pixels along the axis
 * @param mirrored - read the source backwards and return the outputs in source order: the weights of output `i` are
 * those of output `to - 1 - i` on the mirrored axis. The caller flips the result, and no rounding differs from
 * mirroring the pixels first.
 * @see `precompute_coeffs` and `normalize_coeffs_8bpc` in Pillow's `Resample.c`
 */
export function bilinearWeights(from: number, to: number, mirrored: boolean): WeightTable {
  const scale = from / to
  const support = Math.max(scale, 1)
  const maxTaps = Math.ceil(support) * 2 + 1
  const stride = maxTaps + 2
  const data = new Int32Array(to * stride)
  const weights = new Float64Array(maxTaps)
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale
    const first = Math.max(Math.trunc(center - support + 0.5), 0)
    const taps = Math.min(Math.trunc(center + support + 0.5), from) - first
    const sum = triangle(weights, { first, taps, center, support })
    const row = (mirrored ? to - 1 - i : i) * stride
    data[row] = mirrored ? from - first - taps : first
    data[row + 1] = taps
    for (let t = 0; t < taps; t++) {
      const weight = Math.trunc(0.5 + ((weights[t] ?? 0) / sum) * (1 << WEIGHT_BITS))
      data[row + 2 + (mirrored ? taps - 1 - t : t)] = weight
    }
  }
  return { data, stride, count: to, maxTaps }
}

interface Window {
  readonly first: number
  readonly taps: number
  readonly center: number
  readonly support: number
}

/** Fills `weights` with a triangle and returns their sum, which is never 0: some tap is within half a pixel. */
function triangle(weights: Float64Array, { first, taps, center, support }: Window): number {
  const inverseSupport = 1 / support
  let sum = 0
  for (let t = 0; t < taps; t++) {
    const distance = Math.abs((t + first - center + 0.5) * inverseSupport)
    const weight = distance < 1 ? 1 - distance : 0
    weights[t] = weight
    sum += weight
  }
  return sum
}
