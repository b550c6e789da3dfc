import type { GifHeader } from './gif-header.ts'
import { decodeLzw } from './gif-lzw.ts'

/** First row and distance of the rows of each pass. @see GIF89a specification, appendix E */
const PASSES = [
  [0, 8],
  [4, 8],
  [2, 4],
  [1, 2],
] as const

/**
 * Decodes the first frame of a GIF row by row into `onRow`, as RGB on its canvas. Memory is a few rows; an interlaced
 * frame is held whole, a byte a pixel. Transparent pixels keep the colour that their index names.
 *
 * @throws AppError `image.malformed`
 */
export function decodeGif(header: GifHeader, onRow: (row: Uint8Array) => void): void {
  const { width, height, frame } = header
  const canvas = new Uint8Array(width).fill(header.background)
  const empty = paint(canvas, header.palette, new Uint8Array(width * 3))
  const rgb = new Uint8Array(width * 3)
  for (let y = 0; y < frame.y; y++) onRow(empty)
  forEachRow(header, (indices) => {
    canvas.set(indices, frame.x)
    onRow(paint(canvas, header.palette, rgb))
  })
  for (let y = frame.y + frame.height; y < height; y++) onRow(empty)
}

/** Rows of the frame, from top to bottom. */
function forEachRow({ frame, isInterlaced, codeBits, data }: GifHeader, onRow: (indices: Uint8Array) => void): void {
  const { width, height } = frame
  const lzw = { data, colorBits: codeBits, pixels: width * height }
  if (!isInterlaced) {
    decodeLzw(lzw, rowsOf(width, onRow))
    return
  }
  const held = new Uint8Array(width * height)
  const order = PASSES.flatMap(([first, step]) => range(first, height, step))
  let stored = 0
  const store = (indices: Uint8Array) => held.set(indices, (order[stored++] ?? 0) * width)
  decodeLzw(lzw, rowsOf(width, store))
  for (let y = 0; y < height; y++) onRow(held.subarray(y * width, (y + 1) * width))
}

/** Cuts a stream of indices into rows. */
function rowsOf(width: number, onRow: (indices: Uint8Array) => void): (indices: Uint8Array) => void {
  const row = new Uint8Array(width)
  let filled = 0
  return (indices) => {
    for (let at = 0; at < indices.byteLength; ) {
      const part = indices.subarray(at, at + width - filled)
      row.set(part, filled)
      at += part.byteLength
      filled += part.byteLength
      if (filled < width) return
      onRow(row)
      filled = 0
    }
  }
}

function paint(indices: Uint8Array, palette: Uint8Array, rgb: Uint8Array): Uint8Array {
  for (let i = 0, to = 0; i < indices.length; i++, to += 3) {
    const entry = (indices[i] ?? 0) * 3
    rgb[to] = palette[entry] ?? 0
    rgb[to + 1] = palette[entry + 1] ?? 0
    rgb[to + 2] = palette[entry + 2] ?? 0
  }
  return rgb
}

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.max(0, Math.ceil((to - from) / step)) }, (_, i) => from + i * step)
}
