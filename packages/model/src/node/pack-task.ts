import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { AppError } from '@loupe/shared/errors'
import { type PackableWeight, type PackForm, packRows, rowsOfPiece } from '../weights/packing.ts'

/** Rows of a weight to pack. Plain data: it travels between threads. */
export interface PackTask {
  readonly weight: PackableWeight
  readonly form: PackForm
  readonly rows: number
  /** Where the first row is. */
  readonly source: { readonly path: string; readonly offset: number; readonly rowBytes: number }
  /** Where the first row goes, in each tensor that the weight becomes. */
  readonly targets: readonly { readonly offset: number; readonly rowBytes: number }[]
}

/** Weights in memory at once: 2 MiB as float32. A matrix that becomes columns is in memory whole: 20 MB of the released models. */
const PIECE_WEIGHTS = 512 * 1024

/**
 * Packs rows from a checkpoint into a file, a piece at a time. Blocks its thread.
 *
 * @param target - path of the file, which is long enough already
 * @throws AppError `weights.invalid` if the checkpoint became shorter, or a number cannot be packed; what the file system
 *   throws
 */
export function runPackTask({ weight, form, rows, source, targets }: PackTask, target: string): void {
  const from = openSync(source.path, 'r')
  const to = openSync(target, 'r+')
  try {
    const step = Math.min(rows, rowsOfPiece(weight, form, PIECE_WEIGHTS))
    const bytes = new Uint8Array(step * source.rowBytes)
    for (let row = 0; row < rows; row += step) {
      const piece = bytes.subarray(0, Math.min(step, rows - row) * source.rowBytes)
      readExactly(from, piece, source.offset + row * source.rowBytes, source.path)
      for (const [index, packed] of packRows(weight, form, piece).entries()) {
        const { offset = 0, rowBytes = 0 } = targets[index] ?? {}
        writeAll(to, packed, offset + row * rowBytes)
      }
    }
  } finally {
    closeSync(from)
    closeSync(to)
  }
}

function readExactly(file: number, bytes: Uint8Array, position: number, path: string): void {
  for (let done = 0; done < bytes.byteLength; ) {
    const count = readSync(file, bytes, done, bytes.byteLength - done, position + done)
    if (count === 0) throw new AppError('weights.invalid', `${path} became shorter while it was read.`)
    done += count
  }
}

function writeAll(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.byteLength; ) {
    done += writeSync(file, bytes, done, bytes.byteLength - done, position + done)
  }
}
