/** Steps of the table in one power of two. */
const STEPS = 64
const STEP = Math.LN2 / STEPS
const PER_STEP = 1 / STEP
/** Below this a float32 is 0. */
const LEAST = -104

/** `2 ** (i / STEPS)` */
const FRACTIONS = Float64Array.from({ length: STEPS }, (_, index) => 2 ** (index / STEPS))
/** `2 ** -i`, as far as `LEAST` reaches. */
const POWERS = Float64Array.from({ length: 160 }, (_, index) => 2 ** -index)

/**
 * The exponential of a number that is not above 0, to 1e-13 of its value; 0 where a float32 would be 0. Softmax over a
 * vocabulary calls it 262,144 times a token, and `Math.exp` takes several times as long.
 *
 * @see Tang: Table-driven implementation of the exponential function (ACM TOMS 1989)
 */
export function expOfNegative(x: number): number {
  if (!(x >= LEAST)) return 0
  const step = (x * PER_STEP - 0.5) | 0 // to the nearest, as x is not above 0
  const rest = x - step * STEP
  const near = 1 + rest * (1 + rest * (1 / 2 + rest * (1 / 6 + rest * (1 / 24))))
  // Both tables reach as far as `LEAST` needs.
  return near * (FRACTIONS[step & (STEPS - 1)] as number) * (POWERS[-(step >> 6)] as number)
}
