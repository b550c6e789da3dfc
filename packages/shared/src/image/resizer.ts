import { bilinearWeights, type WeightTable } from './bilinear.ts'
import type { Box, Orientation } from './orientation.ts'
import { KERNEL_SLACK_BYTES, type ResizeKernel } from './resize-kernel.ts'

/** Pixels along each side of the picture that the model sees. */
export const IMAGE_SIDE = 896

const ROW_BYTES = IMAGE_SIDE * 3

/** What to cut out of the stored picture, and how it will be turned upright. */
export interface ResizeJob {
  /** In the stored picture, before orientation. */
  readonly box: Box
  readonly orientation: Orientation
  /** 3 for RGB, 4 for RGBA (alpha is dropped). */
  readonly pixelBytes: number
}

/** Takes rows of the stored picture from top to bottom; holds no more of them than the filter reaches. */
export interface RowResizer {
  /** @param row - one whole row of the stored picture, `width * pixelBytes` bytes */
  push(row: Uint8Array): void
  /** RGB, `[896, 896, 3]`, still in stored orientation. Complete after the last row. */
  readonly pixels: Uint8Array
}

/** Gives out pieces of a kernel's memory for the time of one picture. */
export interface KernelArena {
  readonly kernel: ResizeKernel
  /** @returns a 16-byte aligned offset */
  allocate(byteLength: number): number
}

/** An arena over the whole memory of a kernel. What an earlier picture left there is overwritten before it is read. */
export function kernelArena(kernel: ResizeKernel): KernelArena {
  let top = 0
  return {
    kernel,
    allocate(byteLength) {
      const offset = top
      top = align(top + byteLength)
      kernel.reserve(top)
      return offset
    },
  }
}

/**
 * Pillow's bilinear resize to 896x896, exact in every byte, one row at a time.
 *
 * Pillow turns the picture upright, then resizes along x, rounds to bytes, then along y; along y first if the picture is
 * extremely tall. The upright x of a transposed picture (EXIF 5 to 8) is the stored y, so there the order is reversed:
 * turning afterwards would change 13 % of the bytes by one. Mirroring needs no such care, since mirrored weights give
 * the same sums.
 *
 *     columns first:  row -> columns (kernel) -> ring of short rows -> rows (kernel) -> output row
 *     rows first:     row -> ring of full rows -> rows (kernel) -> columns (kernel) -> output row
 */
export function createRowResizer(arena: KernelArena, job: ResizeJob): RowResizer {
  const { box, orientation, pixelBytes } = job
  const width = box[2] - box[0]
  const height = box[3] - box[1]
  const columns = bilinearWeights(width, IMAGE_SIDE, orientation.flipX)
  const rows = bilinearWeights(height, IMAGE_SIDE, orientation.flipY)
  const sourceBytes = align(width * pixelBytes + KERNEL_SLACK_BYTES)
  const isRowsFirst = orientation.transpose ? !isExtremelyTall(height, width) : isExtremelyTall(width, height)
  const steps = (isRowsFirst ? rowsFirst : columnsFirst)(arena, { columns, rows, sourceBytes, pixelBytes })

  const pixels = new Uint8Array(IMAGE_SIDE * ROW_BYTES)
  let y = 0
  let next = 0
  return {
    pixels,
    push(row) {
      const at = y++ - box[1]
      if (at < 0 || at >= height) return
      steps.take(row.subarray(box[0] * pixelBytes, box[2] * pixelBytes), at)
      for (; next < IMAGE_SIDE && lastTap(rows, next) <= at; next++) {
        const from = steps.emit(next)
        pixels.set(arena.kernel.bytes.subarray(from, from + ROW_BYTES), next * ROW_BYTES)
      }
    },
  }
}

/**
 * The rule of Pillow 12.3. Earlier versions always begin along x, and 13.0 along y whenever the height shrinks by more
 * than twice the pixels that the width shrinks by; where the rules part, results differ by one in some bytes.
 *
 * @see `Image.resize` in Pillow's `Image.py`
 */
function isExtremelyTall(width: number, height: number): boolean {
  return height > width * 100 && height > IMAGE_SIDE
}

function lastTap({ data, stride }: WeightTable, i: number): number {
  return (data[i * stride] ?? 0) + (data[i * stride + 1] ?? 0) - 1
}

interface Axes {
  readonly columns: WeightTable
  readonly rows: WeightTable
  readonly sourceBytes: number
  readonly pixelBytes: number
}

interface Steps {
  /** Stores source row `y`. */
  take(row: Uint8Array, y: number): void
  /** Computes output row `i`. @returns where it stands */
  emit(i: number): number
}

function columnsFirst(arena: KernelArena, { columns, rows, sourceBytes, pixelBytes }: Axes): Steps {
  const { kernel } = arena
  const shortBytes = align(ROW_BYTES + KERNEL_SLACK_BYTES)
  const source = arena.allocate(sourceBytes)
  const ring = arena.allocate(rows.maxTaps * shortBytes)
  const target = arena.allocate(shortBytes)
  const columnTable = store(arena, columns)
  const rowTable = store(arena, rows)
  return {
    take(row, y) {
      kernel.bytes.set(row, source)
      const slot = ring + (y % rows.maxTaps) * shortBytes
      kernel.resizeColumns(source, pixelBytes, slot, columnTable, columns.stride, IMAGE_SIDE)
    },
    emit(i) {
      kernel.resizeRows(ring, shortBytes, rows.maxTaps, target, rowTable + i * rows.stride * 4)
      return target
    },
  }
}

function rowsFirst(arena: KernelArena, { columns, rows, sourceBytes, pixelBytes }: Axes): Steps {
  const { kernel } = arena
  const ring = arena.allocate(rows.maxTaps * sourceBytes)
  const middle = arena.allocate(sourceBytes)
  const target = arena.allocate(ROW_BYTES + KERNEL_SLACK_BYTES)
  const columnTable = store(arena, columns)
  const rowTable = store(arena, rows)
  return {
    take(row, y) {
      kernel.bytes.set(row, ring + (y % rows.maxTaps) * sourceBytes)
    },
    emit(i) {
      kernel.resizeRows(ring, sourceBytes, rows.maxTaps, middle, rowTable + i * rows.stride * 4)
      kernel.resizeColumns(middle, pixelBytes, target, columnTable, columns.stride, IMAGE_SIDE)
      return target
    },
  }
}

function store(arena: KernelArena, { data }: WeightTable): number {
  const offset = arena.allocate(data.byteLength)
  arena.kernel.bytes.set(new Uint8Array(data.buffer), offset)
  return offset
}

function align(byteLength: number): number {
  return Math.ceil(byteLength / 16) * 16
}
