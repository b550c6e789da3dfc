import type { FileTensor } from './graph.ts'

/**
 * A matrix whose rows are stored in blocks of a few bits, in its file:
 *
 *     weight = (q - 2^(bits-1)) · scale + offset
 *
 *     row  | block 0 | block 1 | …          quants  [o, blocks, blockSize · bits / 8] uint8
 *            q q … q   q q … q              scales  [o, blocks] float32
 *            scale     scale                offsets [o, blocks] float32, or none
 *            offset    offset
 *
 * Four bits lie in pairs, the first one in the low half of its byte.
 *
 * @see https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulNBits
 */
export interface BlockMatrix {
  /** `[o, i]`, as checkpoints store linear maps. */
  readonly shape: readonly [outer: number, inner: number]
  /** Bits of one q. */
  readonly bits: 4 | 8
  /** Weights of a block, along `i`: 16, 32, 64, 128 or 256. What the last block of a row lacks is stored as zeros. */
  readonly blockSize: number
  /** `[o, blocks, blockSize · bits / 8]` uint8 */
  readonly quants: FileTensor
  /** `[o, blocks]` float32 */
  readonly scales: FileTensor
  /** Of formats that store a minimum for each block. */
  readonly offsets?: FileTensor
}

/**
 * What a product with blocks does to its other factor: rounds each of its blocks to 8 bits, which is fast, or takes it
 * as it is.
 */
export type BlockActivations = 'int8' | 'float32'
