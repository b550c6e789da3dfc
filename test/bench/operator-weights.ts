/** Forms of one weight matrix, written to a file that a graph reads. */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BYTES_PER_ELEMENT, type DType, type FileTensor, type TensorData } from './graph-internals.ts'

/** `[o, i]` float32. */
export interface Matrix {
  readonly outer: number
  readonly inner: number
  readonly data: Float32Array
}

/** A file that is gone when it is disposed. */
export class ScratchFile implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'loupe-operators-'))
  readonly #file = openSync(join(this.directory, 'weights.bin'), 'w')
  #end = 0

  /** Length of the file. */
  get bytes(): number {
    return this.#end
  }

  append(dtype: DType, shape: readonly number[], data: TensorData): FileTensor {
    const offset = this.#end
    writeSync(this.#file, data, 0, data.byteLength, offset)
    this.#end = Math.ceil((offset + data.byteLength) / 64) * 64
    const bytes = BYTES_PER_ELEMENT[dtype] * shape.reduce((a, b) => a * b, 1)
    return { dtype, shape, file: 'weights.bin', offset, bytes }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file)
    rmSync(this.directory, { recursive: true })
  }
}

/** Rounds blocks of a row to the nearest of `2^bits` steps; the scale is the largest absolute value over `2^(bits-1) - 1`. */
export function toBlocks({ outer, inner, data }: Matrix, bits: 4 | 8, blockSize: number) {
  const blocks = Math.ceil(inner / blockSize)
  const most = 2 ** (bits - 1) - 1
  const zero = 2 ** (bits - 1)
  const scales = new Float32Array(outer * blocks)
  const quants = new Uint8Array((outer * blocks * blockSize * bits) / 8).fill(bits === 4 ? 0x88 : 0x80)
  for (let row = 0; row < outer; row++) {
    for (let block = 0; block < blocks; block++) {
      const start = row * inner + block * blockSize
      const end = Math.min(start + blockSize, (row + 1) * inner)
      const scale = largest(data, start, end) / most
      const at = row * blocks + block
      scales[at] = scale
      for (let i = start; i < end; i++) {
        const q = Math.round((data[i] ?? 0) / (scale || 1)) + zero
        put(quants, at * blockSize + i - start, q, bits)
      }
    }
  }
  return { blocks, quants, scales }
}

/** One scale for each row of the weight, and the int8 matrix transposed: `[i, o]`, as the integer products read it. */
export function toColumns({ outer, inner, data }: Matrix) {
  const scales = new Float32Array(outer)
  const quants = new Int8Array(inner * outer)
  for (let row = 0; row < outer; row++) {
    const scale = largest(data, row * inner, (row + 1) * inner) / 127
    scales[row] = scale
    for (let i = 0; i < inner; i++) quants[i * outer + row] = Math.round((data[row * inner + i] ?? 0) / (scale || 1))
  }
  return { quants, scales }
}

function put(quants: Uint8Array, index: number, q: number, bits: 4 | 8): void {
  if (bits === 8) {
    quants[index] = q
    return
  }
  const byte = index >> 1
  const old = quants[byte] ?? 0
  quants[byte] = index % 2 === 0 ? (old & 0xf0) | q : (old & 0x0f) | (q << 4)
}

function largest(data: Float32Array, start: number, end: number): number {
  let most = 0
  for (let i = start; i < end; i++) {
    const size = Math.abs(data[i] ?? 0)
    if (size > most) most = size
  }
  return most
}
