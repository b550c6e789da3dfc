/**
 * Rows of a matrix in blocks of a few bits: `weight = (q - 2^(bits-1)) · scale + offset`. Four bits lie in pairs, the first
 * one in the low half of its byte.
 */

/** How rows are cut into blocks. */
export interface BlockForm {
  readonly bits: 4 | 8
  /** Weights of a block. The last block of a row may be short: what it lacks is stored as zeros. */
  readonly blockSize: number
  /** Whether a block has an offset beside its scale. */
  readonly hasOffsets: boolean
}

/** Memory for the blocks of some rows. */
export interface BlockRows {
  /** `[r, blocks, blockSize · bits / 8]` */
  readonly quants: Uint8Array<ArrayBuffer>
  /** `[r, blocks]` */
  readonly scales: Float32Array<ArrayBuffer>
  /** `[r, blocks]`; empty if the form has none */
  readonly offsets: Float32Array<ArrayBuffer>
}

/** Memory for rows of `inner` weights. */
export function allocateBlockRows({ bits, blockSize, hasOffsets }: BlockForm, rows: number, inner: number): BlockRows {
  const blocks = rows * Math.ceil(inner / blockSize)
  return {
    quants: new Uint8Array((blocks * blockSize * bits) / 8),
    scales: new Float32Array(blocks),
    offsets: new Float32Array(hasOffsets ? blocks : 0),
  }
}
