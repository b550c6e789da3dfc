import { AppError } from '@loupe/shared/errors'
import { kthLargest } from './kth-largest.ts'
import { Scratch } from './scratch.ts'

/** Logits of one token. Valid until the next one is read. */
export interface LogitRow {
  /** `[v]` */
  readonly logits: Float32Array
  /** `[ceil(v / 64)]` the largest of each stretch: most are too small to be looked into. */
  readonly maxima: Float32Array
  /** The lowest id among the largest logits; -1 if all are minus infinity. */
  readonly best: number
}

const STRETCH = 64
const scratch = new Scratch()

/**
 * Reads a row once, from end to end.
 *
 * @param logits - `[v]`
 * @throws AppError `runtime.failed` if there is a NaN, or an infinite one
 */
export function readLogitRow(logits: Float32Array): LogitRow {
  const maxima = scratch.floats(Math.ceil(logits.length / STRETCH))
  let largest = Number.NEGATIVE_INFINITY
  for (let at = 0; at < maxima.length; at++) {
    const maximum = maximumOf(logits, at * STRETCH)
    maxima[at] = maximum
    largest = Math.max(largest, maximum) // hands a NaN on
  }
  if (Number.isNaN(largest)) {
    const detail = `Expected finite logits, found NaN for token ${logits.findIndex(Number.isNaN)}.`
    throw new AppError('runtime.failed', detail)
  }
  if (largest === Number.POSITIVE_INFINITY) throw notFinite(largest, logits)
  return { logits, maxima, best: largest === Number.NEGATIVE_INFINITY ? -1 : indexOf(logits, maxima, largest) }
}

/** A fault of a row whose largest logit is no number to go on with. */
export function notFinite(largest: number, { length }: Float32Array): AppError {
  return new AppError('runtime.failed', `Expected finite logits, found ${largest} as the largest of ${length}.`)
}

/** Four at a time take half as long as one; a NaN is handed on. */
function maximumOf(logits: Float32Array, start: number): number {
  const end = Math.min(start + STRETCH, logits.length)
  let maximum = Number.NEGATIVE_INFINITY
  let at = start
  for (; at + 4 <= end; at += 4) {
    maximum = Math.max(
      maximum,
      logits[at] as number, // these four are within bounds
      logits[at + 1] as number,
      logits[at + 2] as number,
      logits[at + 3] as number,
    )
  }
  for (; at < end; at++) maximum = Math.max(maximum, logits[at] as number) // within bounds
  return maximum
}

function indexOf(logits: Float32Array, maxima: Float32Array, value: number): number {
  return logits.indexOf(value, maxima.indexOf(value) * STRETCH)
}

/** The k-th largest logit; the smallest if there are fewer. @param k - from 1 */
export function kthLogit(row: LogitRow, k: number): number {
  const { logits, maxima } = row
  if (k > maxima.length) return kthLargest(logits, k)
  // As many stretches hold a logit of at least this, so the k-th is none of the smaller ones.
  const candidates = idsFrom(row, kthLargest(maxima, k))
  return kthLargest(
    Float32Array.from(candidates, (id) => logits[id] as number),
    k,
  ) // they are ids of the row
}

/** Ids whose logits are no smaller than this, ascending. */
export function idsFrom({ logits, maxima }: LogitRow, least: number): number[] {
  const ids: number[] = []
  for (let at = 0; at < maxima.length; at++) {
    if ((maxima[at] as number) < least) continue // within bounds
    const end = Math.min((at + 1) * STRETCH, logits.length)
    for (let id = at * STRETCH; id < end; id++) if ((logits[id] as number) >= least) ids.push(id) // within bounds
  }
  return ids
}
