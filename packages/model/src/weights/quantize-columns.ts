import { isFiniteMagnitude, largestMagnitude, scaleOf } from './magnitude.ts'

/** A matrix in 8 bits with one scale for each row, on its side: `weight[o][i] = (quants[i][o] - 128) · scales[o]`. */
export interface QuantizedColumns {
  /** `[i, o]` */
  readonly quants: Uint8Array<ArrayBuffer>
  /** `[o]` */
  readonly scales: Float32Array<ArrayBuffer>
}

/** Rows that are turned together: so many bytes of a line of `quants` are written one after the other. */
const GROUP = 64

/**
 * Quantises a matrix, each row for itself, symmetrically to the nearest step: its largest magnitude becomes ±127, and no
 * weight moves by more than half a scale.
 *
 * @param weights - `[outer, inner]`
 * @returns `undefined` if one of the weights is no number
 */
export function quantizeColumns(weights: Float32Array, outer: number, inner: number): QuantizedColumns | undefined {
  const words = new Int32Array(weights.buffer, weights.byteOffset, weights.length)
  const quants = new Uint8Array(outer * inner)
  const scales = new Float32Array(outer)
  const steps = new Float64Array(outer)
  for (let o = 0; o < outer; o++) {
    const magnitude = largestMagnitude(words, o * inner, (o + 1) * inner)
    if (!isFiniteMagnitude(magnitude)) return undefined
    const scale = scaleOf(magnitude, 127)
    scales[o] = scale
    steps[o] = scale === 0 ? 0 : 1 / scale
  }
  for (let first = 0; first < outer; first += GROUP) {
    const end = Math.min(first + GROUP, outer)
    for (let i = 0; i < inner; i++) {
      // Of a positive number, `| 0` is the floor; with the half this rounds to the nearest.
      for (let o = first; o < end; o++) {
        quants[i * outer + o] = ((weights[o * inner + i] ?? 0) * (steps[o] ?? 0) + 128.5) | 0
      }
    }
  }
  return { quants, scales }
}
