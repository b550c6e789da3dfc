/**
 * How GGUF stores numbers: in blocks of one row, each a few scales and then the numbers in a few bits.
 *
 * | type | numbers | bytes | bits a number |
 * | --- | --- | --- | --- |
 * | F32, F16, BF16 | 1 | 4, 2, 2 | 32, 16, 16 |
 * | Q8_0 | 32 | 34 | 8.5 |
 * | Q5_0, Q5_1 | 32 | 22, 24 | 5.5, 6 |
 * | Q4_0, Q4_1 | 32 | 18, 20 | 4.5, 5 |
 * | Q6_K | 256 | 210 | 6.5625 |
 * | Q5_K | 256 | 176 | 5.5 |
 * | Q4_K | 256 | 144 | 4.5 |
 */
import { elementsOf } from './dtype.ts'

/** How one type stores a row. */
export interface BlockFormat {
  /** What a file calls the type. */
  readonly id: number
  /** Numbers of one block; a row is a whole number of blocks. */
  readonly blockSize: number
  /** Bytes of one block, its scales included. */
  readonly blockBytes: number
}

/** The types that Gemma 3 files are published in. */
export const GGUF_TYPES = {
  F32: { id: 0, blockSize: 1, blockBytes: 4 },
  F16: { id: 1, blockSize: 1, blockBytes: 2 },
  Q4_0: { id: 2, blockSize: 32, blockBytes: 18 },
  Q4_1: { id: 3, blockSize: 32, blockBytes: 20 },
  Q5_0: { id: 6, blockSize: 32, blockBytes: 22 },
  Q5_1: { id: 7, blockSize: 32, blockBytes: 24 },
  Q8_0: { id: 8, blockSize: 32, blockBytes: 34 },
  Q4_K: { id: 12, blockSize: 256, blockBytes: 144 },
  Q5_K: { id: 13, blockSize: 256, blockBytes: 176 },
  Q6_K: { id: 14, blockSize: 256, blockBytes: 210 },
  BF16: { id: 30, blockSize: 1, blockBytes: 2 },
} as const satisfies Record<string, BlockFormat>

/** The element type of a GGUF tensor. */
export type GgufDType = keyof typeof GGUF_TYPES

/** Where a tensor lies in a GGUF file. Nothing of it has been read. */
export interface GgufTensor {
  /** As the file has it. */
  readonly name: string
  /** How its numbers are stored. */
  readonly dtype: GgufDType
  /** Row-major: the sizes of the file in reverse. */
  readonly shape: readonly number[]
  /** Name of the file. */
  readonly file: string
  /** First byte, counted from the start of the file. */
  readonly offset: number
  /** Length of its data. */
  readonly bytes: number
}

const DTYPE_OF_ID: ReadonlyMap<number, GgufDType> = new Map(
  // Object.keys forgets which strings the keys are.
  (Object.keys(GGUF_TYPES) as GgufDType[]).map((dtype) => [GGUF_TYPES[dtype].id, dtype]),
)

/** The type that a file means by a number, or `undefined` if it is none of the table. */
export function ggufDType(id: number): GgufDType | undefined {
  return DTYPE_OF_ID.get(id)
}

/**
 * Bytes of a tensor whose rows are whole blocks. `Infinity` when the number is too large to be exact.
 *
 * @param shape - row-major: the last size is that of a row
 */
export function ggufBytes(dtype: GgufDType, shape: readonly number[]): number {
  const { blockSize, blockBytes } = GGUF_TYPES[dtype]
  const bytes = (elementsOf(shape) / blockSize) * blockBytes
  return Number.isSafeInteger(bytes) ? bytes : Number.POSITIVE_INFINITY
}
