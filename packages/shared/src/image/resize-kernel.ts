import { WEIGHT_BITS } from './bilinear.ts'
import { instantiate, type WasmMemory, type WasmModule } from './wasm-module.ts'

/**
 * The two inner loops of the resize over one flat memory; every pointer is a byte offset into {@link bytes}.
 *
 * One form for both implementations: {@link scalarKernel} is the reference, {@link simdKernel} the fast one, and their
 * results are equal byte for byte.
 */
export interface ResizeKernel {
  /** The memory. Fetch it anew after {@link reserve}: growing replaces it. */
  readonly bytes: Uint8Array
  /** Makes the memory at least this long. Its content is kept. */
  reserve(byteLength: number): void
  /**
   * One row of pixels, resized along x to RGB.
   *
   * @param source - first pixel, RGB or RGBA
   * @param pixelBytes - 3 or 4
   * @param target - `3 * count` bytes
   * @param table - rows of a `WeightTable`
   * @param stride - integers in one row of the table
   */
  resizeColumns(source: number, pixelBytes: number, target: number, table: number, stride: number, count: number): void
  /**
   * One output row as the weighted sum of source rows, which stand in a ring: row `y` in slot `y % depth`.
   *
   * @param rowBytes - bytes of one slot and of the target, a multiple of 16
   * @param table - one row of a `WeightTable`
   */
  resizeRows(ring: number, rowBytes: number, depth: number, target: number, table: number): void
}

/** Bytes beyond the last pixel of a row that a kernel may touch. */
export const KERNEL_SLACK_BYTES = 16

const HALF = 1 << (WEIGHT_BITS - 1)
const PAGE_BYTES = 65_536

/** The kernel in plain TypeScript: the reference, and the fallback where SIMD is missing. */
export function scalarKernel(): ResizeKernel {
  let bytes = new Uint8Array(PAGE_BYTES)
  let integers = new Int32Array(bytes.buffer)
  return {
    get bytes() {
      return bytes
    },
    reserve(byteLength) {
      if (byteLength <= bytes.byteLength) return
      const larger = new Uint8Array(Math.ceil(byteLength / PAGE_BYTES) * PAGE_BYTES)
      larger.set(bytes)
      bytes = larger
      integers = new Int32Array(larger.buffer)
    },
    resizeColumns(source, pixelBytes, target, table, stride, count) {
      for (let i = 0, row = table >> 2, to = target; i < count; i++, row += stride, to += 3) {
        sumPixel(bytes, integers, source, pixelBytes, to, row)
      }
    },
    resizeRows(ring, rowBytes, depth, target, table) {
      const row = table >> 2
      const sums = new Int32Array(rowBytes).fill(HALF)
      for (let t = 0; t < at(integers, row + 1); t++) {
        const slot = (at(integers, row) + t) % depth
        addRow(sums, bytes, ring + slot * rowBytes, at(integers, row + 2 + t))
      }
      for (let i = 0; i < rowBytes; i++) bytes[target + i] = clip(at(sums, i))
    },
  }
}

function sumPixel(
  bytes: Uint8Array,
  integers: Int32Array,
  source: number,
  pixelBytes: number,
  target: number,
  row: number,
): void {
  let red = HALF
  let green = HALF
  let blue = HALF
  let pixel = source + at(integers, row) * pixelBytes
  for (let t = row + 2, end = t + at(integers, row + 1); t < end; t++, pixel += pixelBytes) {
    const weight = at(integers, t)
    red += at(bytes, pixel) * weight
    green += at(bytes, pixel + 1) * weight
    blue += at(bytes, pixel + 2) * weight
  }
  bytes[target] = clip(red)
  bytes[target + 1] = clip(green)
  bytes[target + 2] = clip(blue)
}

function addRow(sums: Int32Array, bytes: Uint8Array, from: number, weight: number): void {
  for (let i = 0; i < sums.length; i++) sums[i] = at(sums, i) + at(bytes, from + i) * weight
}

/** An element that the layout guarantees. The fallback is never taken; it satisfies the type at no cost. */
function at(array: Uint8Array | Int32Array, index: number): number {
  return array[index] ?? 0
}

/** Weights are never negative, so only the upper end can be passed. */
function clip(sum: number): number {
  return Math.min(sum >> WEIGHT_BITS, 255)
}

interface SimdExports {
  readonly memory: WasmMemory
  readonly resizeColumns: ResizeKernel['resizeColumns']
  readonly resizeRows: ResizeKernel['resizeRows']
}

/** The kernel in WebAssembly SIMD. @param module - `assets/resize-simd.wasm`, compiled */
export function simdKernel(module: WasmModule): ResizeKernel {
  const { memory, resizeColumns, resizeRows } = instantiate<SimdExports>(module, {})
  let bytes = new Uint8Array(memory.buffer)
  return {
    get bytes() {
      return bytes
    },
    reserve(byteLength) {
      const missing = byteLength - bytes.byteLength
      if (missing <= 0) return
      memory.grow(Math.ceil(missing / PAGE_BYTES))
      bytes = new Uint8Array(memory.buffer)
    },
    resizeColumns,
    resizeRows,
  }
}
