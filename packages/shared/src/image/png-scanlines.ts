import type { PngHeader } from './png-header.ts'
import { type PixelLayout, rowToRgb } from './png-pixels.ts'

/** Rows of one pass over the picture: the whole of it, or one of the seven of Adam7. */
interface Pass {
  readonly x: number
  readonly y: number
  readonly stepX: number
  readonly stepY: number
  readonly columns: number
  readonly rows: number
}

/** @see PNG (Third Edition), section 8.1 */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const

/** Takes the scanlines of a picture in the order in which its file has them, and gives on rows of the picture. */
export interface Scanlines {
  /** Bytes of the longest scanline, the filter's own with it. */
  readonly longest: number
  /** Bytes of the next one; 0 once all are taken. */
  readonly byteLength: number
  /** Whether the next one has none above it. */
  readonly isFirst: boolean
  /** Takes the next one, unfiltered. */
  take(row: Uint8Array): void
}

/**
 * @param header - how the file stores the picture
 * @param layout - of the rows that come, which may have lost their alpha on the way
 * @param onRow - gets rows as RGB; it must not keep them. Of an interlaced picture, which is held whole, after the last
 */
export function createScanlines(header: PngHeader, layout: PixelLayout, onRow: (row: Uint8Array) => void): Scanlines {
  const { width, height, isInterlaced } = header
  const passes = isInterlaced ? interlacedPasses(width, height) : [wholePass(width, height)]
  const lengths = passes.map(({ columns }) => 1 + Math.ceil((columns * header.channels * header.bitDepth) / 8))
  const toRgb = rowToRgb(layout)
  const isRgb = !isInterlaced && layout.color === 'rgb' && layout.bitDepth === 8
  const canvas = new Uint8Array(isRgb ? 0 : width * 3 * (isInterlaced ? height : 1))
  let index = 0
  let y = 0
  const place = (row: Uint8Array, pass: Pass) => {
    if (isRgb) return onRow(row)
    const from = isInterlaced ? ((pass.y + y * pass.stepY) * width + pass.x) * 3 : 0
    toRgb(row, pass.columns, { rgb: canvas, from, step: pass.stepX * 3 })
    if (!isInterlaced) onRow(canvas)
  }
  const finish = () => {
    for (let row = 0; row < height; row++) onRow(canvas.subarray(row * width * 3, (row + 1) * width * 3))
  }
  return {
    longest: Math.max(...lengths),
    get byteLength() {
      return lengths[index] ?? 0
    },
    get isFirst() {
      return y === 0
    },
    take(row) {
      const pass = passes[index]
      if (pass === undefined) return
      place(row, pass)
      if (++y < pass.rows) return
      y = 0
      if (++index === passes.length && isInterlaced) finish()
    },
  }
}

function wholePass(width: number, height: number): Pass {
  return { x: 0, y: 0, stepX: 1, stepY: 1, columns: width, rows: height }
}

function interlacedPasses(width: number, height: number): Pass[] {
  return ADAM7.map(([x, y, stepX, stepY]) => {
    const columns = Math.ceil((width - x) / stepX)
    return { x, y, stepX, stepY, columns, rows: Math.ceil((height - y) / stepY) }
  }).filter(({ columns, rows }) => columns > 0 && rows > 0)
}
