import { isFiniteMagnitude, largestMagnitude, scaleOf } from './magnitude.ts'
import { roundKeepingSum } from './round-keeping-sum.ts'

/** A matrix in 8 bits with one scale for each row, on its side: `weight[o][i] = quants[i][o] · scales[o]`. */
export interface QuantizedColumns {
  /** `[i, o]` */
  readonly quants: Int8Array<ArrayBuffer>
  /** `[o]` */
  readonly scales: Float32Array<ArrayBuffer>
}

/** Rows that are turned together: so many bytes of a line of `quants` are written one after the other. */
const GROUP = 64
/** Steps from 0 to the largest magnitude of a row. */
const STEPS = 127

/**
 * Quantises a matrix, each row for itself, symmetrically: its largest magnitude becomes ±127. Weights are rounded to the
 * nearest step, save some that are nearly half way between two: they keep the sum of the row, to half a step.
 *
 * @param weights - `[outer, inner]`
 * @returns `undefined` if one of the weights is no number
 */
export function quantizeColumns(weights: Float32Array, outer: number, inner: number): QuantizedColumns | undefined {
  const words = new Int32Array(weights.buffer, weights.byteOffset, weights.length)
  const quants = new Int8Array(outer * inner)
  const scales = new Float32Array(outer)
  const rows = new Int8Array(Math.min(GROUP, outer) * inner)
  for (let first = 0; first < outer; first += GROUP) {
    const end = Math.min(first + GROUP, outer)
    for (let o = first; o < end; o++) {
      const magnitude = largestMagnitude(words, o * inner, (o + 1) * inner)
      if (!isFiniteMagnitude(magnitude)) return undefined
      const scale = scaleOf(magnitude, STEPS)
      scales[o] = scale
      const row = weights.subarray(o * inner, (o + 1) * inner)
      roundKeepingSum(
        row,
        scale === 0 ? 0 : 1 / scale,
        STEPS,
        rows.subarray((o - first) * inner, (o - first + 1) * inner),
      )
    }
    turn(rows, quants, { first, end, outer, inner })
  }
  return { quants, scales }
}

interface Rows {
  readonly first: number
  readonly end: number
  readonly outer: number
  readonly inner: number
}

/** Writes some rows as columns. */
function turn(rows: Int8Array, quants: Int8Array, { first, end, outer, inner }: Rows): void {
  for (let i = 0; i < inner; i++) {
    for (let o = first; o < end; o++) quants[i * outer + o] = rows[(o - first) * inner + i] ?? 0
  }
}
