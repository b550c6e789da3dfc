import { AppError } from '@loupe/shared/errors'
import type { FileReader } from './checkpoint.ts'
import { elementsOf } from './dtype.ts'
import { dequantize } from './gguf-dequantize.ts'
import { GGUF_TYPES, type GgufTensor } from './gguf-types.ts'

/** Numbers of one piece, a multiple of every block; 1 MiB as float32. */
const PIECE_ELEMENTS = 256 * 1024

/** Numbers of a tensor in row-major order: those from `start` to before `end`. */
export interface ElementRange {
  /** The first one, counted from 0. */
  readonly start: number
  /** The one behind the last. */
  readonly end: number
}

/**
 * Reads a tensor as float32, exactly, in pieces of at most 262,144 numbers, whatever its size.
 *
 * @param range - whole blocks; rows are whole blocks, so any range of rows will do. All of the tensor by default.
 * @returns the numbers, `[end - start]` in all, piece by piece
 * @throws AppError `weights.invalid` if the range is not inside of the tensor or cuts a block
 */
export async function* readGgufTensor(
  files: FileReader,
  { name, dtype, shape, file, offset }: GgufTensor,
  { start, end }: ElementRange = { start: 0, end: elementsOf(shape) },
): AsyncGenerator<Float32Array<ArrayBuffer>, void, void> {
  const { blockSize, blockBytes } = GGUF_TYPES[dtype]
  const elements = elementsOf(shape)
  const isWhole = start % blockSize === 0 && end % blockSize === 0
  if (!isWhole || start < 0 || start > end || end > elements) {
    const expected = `expected blocks of ${blockSize} inside of ${elements} numbers`
    throw new AppError('weights.invalid', `${file}: ${name}: ${expected}, found ${start} to ${end}.`)
  }
  const byteOf = (element: number) => offset + (element / blockSize) * blockBytes
  for (let at = start; at < end; at += PIECE_ELEMENTS) {
    const stop = Math.min(at + PIECE_ELEMENTS, end)
    yield dequantize(dtype, await files.read(file, byteOf(at), byteOf(stop) - byteOf(at)))
  }
}
