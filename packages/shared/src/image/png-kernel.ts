import { malformed } from './limits.ts'
import type { PngHeader } from './png-header.ts'
import { type PixelLayout, unknownFilter } from './png-pixels.ts'
import { createScanlines, type Scanlines } from './png-scanlines.ts'
import { instantiate, type WasmMemory, type WasmModule } from './wasm-module.ts'

interface PngExports {
  readonly memory: WasmMemory
  /** Makes ready for a new zlib stream. */
  startInflate(state: number): void
  /** Goes on until input runs low, output is full, or the stream ends. @returns one of {@link RESULT} */
  inflate(state: number): number
  /** Undoes the filter of a row. `above` and `target` are two rows; all three need {@link SLACK} behind them. */
  unfilter(filter: number, source: number, above: number, target: number, byteLength: number, pixelBytes: number): void
  /** Adler-32 of bytes that go on from those of `start`. */
  adler32(from: number, byteLength: number, start: number): number
  /** RGBA to RGB. */
  dropAlpha(source: number, target: number, pixels: number): void
}

const RESULT = { needsInput: 0, outputFull: 1, done: 2, damaged: 3, truncated: 4 } as const

/** What the host sees of the state: 32-bit integers, addresses in bytes. */
const STATE = { input: 0, inputEnd: 1, isLast: 2, output: 3, outputLimit: 4, outputBase: 5 } as const

/** The kernel reads and writes in groups, and a match may end this far behind the limit of the output. */
const SLACK = 320
const WINDOW = 32_768
const PAGE_BYTES = 65_536

//     | state and tables | input | output: 32 KB of window, rows | row | row above | RGB |
const INPUT = 32_768
/** Room for input, with less than 1,024 bytes that were left over before. */
const INPUT_BYTES = 65_536
const OUTPUT = INPUT + INPUT_BYTES + SLACK
/** Beyond the window and a row. Twice of it fits the second cache of a core. */
const OUTPUT_BYTES = 131_072

/**
 * A PNG decoder in WebAssembly SIMD: inflates, unfilters and drops alpha in one memory of less than 1 MB, which serves
 * every picture. It runs in one go, so that one instance is enough.
 *
 * @param module - `assets/png-simd.wasm`, compiled
 */
export function pngKernel(module: WasmModule): (header: PngHeader, onRow: (row: Uint8Array) => void) => void {
  let instance: PngExports | undefined
  return (header, onRow) => {
    instance ??= instantiate<PngExports>(module, {})
    const isRgba = header.color === 'rgba' && header.bitDepth === 8
    const layout: PixelLayout = isRgba ? { ...header, color: 'rgb', channels: 3 } : header
    const scanlines = createScanlines(header, layout, onRow)
    const rows = rowUnfilter(instance, header, scanlines)
    inflateAll(instance, header.data, rows)
  }
}

/** Takes what is inflated. */
interface RowUnfilter {
  /** The most bytes of a row. */
  readonly longest: number
  /** Takes whole rows between two addresses. @returns where what is left begins, and whether no row is missing */
  take(from: number, to: number): { from: number; readonly isComplete: boolean }
}

function rowUnfilter(kernel: PngExports, { channels, bitDepth }: PngHeader, scanlines: Scanlines): RowUnfilter {
  const pixelBytes = Math.max(1, (channels * bitDepth) >> 3)
  const isRgba = channels === 4 && bitDepth === 8
  const room = scanlines.longest + SLACK
  const rgb = OUTPUT + WINDOW + OUTPUT_BYTES + room
  let target = rgb + room
  let above = target + room
  reserve(kernel.memory, above + room)
  const bytes = new Uint8Array(kernel.memory.buffer)
  const takeRow = (source: number, length: number) => {
    const filter = bytes[source] ?? 0
    if (filter > 4) throw unknownFilter(filter)
    if (scanlines.isFirst) bytes.fill(0, above, above + length)
    kernel.unfilter(filter, source + 1, above, target, length, pixelBytes)
    if (isRgba) kernel.dropAlpha(target, rgb, length >> 2)
    scanlines.take(isRgba ? bytes.subarray(rgb, rgb + (length >> 2) * 3) : bytes.subarray(target, target + length))
    ;[target, above] = [above, target]
  }
  return {
    longest: scanlines.longest,
    take(from, to) {
      let next = from
      for (let length = scanlines.byteLength; length > 0; length = scanlines.byteLength) {
        if (to - next < length) return { from: next, isComplete: false }
        takeRow(next, length - 1)
        next += length
      }
      return { from: next, isComplete: true }
    },
  }
}

/** @throws AppError `image.malformed` */
function inflateAll(kernel: PngExports, data: readonly Uint8Array[], rows: RowUnfilter): void {
  const bytes = new Uint8Array(kernel.memory.buffer)
  const state = new Int32Array(kernel.memory.buffer, 0, 6)
  const stream = { kernel, bytes, state, feed: feeder(bytes, state, data) }
  kernel.startInflate(0)
  state.set([INPUT, INPUT, 0, OUTPUT, OUTPUT + WINDOW + OUTPUT_BYTES + rows.longest, OUTPUT])
  let sum = 1
  for (let read = OUTPUT; ; ) {
    const from = at(state, STATE.output)
    const result = kernel.inflate(0)
    const written = at(state, STATE.output)
    sum = kernel.adler32(from, written - from, sum)
    const rest = rows.take(read, written)
    if (rest.isComplete) {
      if (rest.from === written) checkEnd(stream, sum)
      return
    }
    if (result === RESULT.needsInput) stream.feed()
    else if (result === RESULT.outputFull) {
      // What is not read yet stays, and what a match may reach.
      const kept = Math.max(OUTPUT, Math.min(rest.from, written - WINDOW))
      bytes.copyWithin(OUTPUT, kept, written)
      state[STATE.output] = written - kept + OUTPUT
      rest.from -= kept - OUTPUT
    } else if (result === RESULT.damaged) throw damaged()
    else throw malformed('Expected more rows in the PNG, found the end of its data: it is truncated.')
    read = rest.from
  }
}

interface OpenStream {
  readonly kernel: PngExports
  readonly bytes: Uint8Array
  readonly state: Int32Array
  readonly feed: () => void
}

/**
 * As Pillow: a stream that ends with the last row has its checksum checked, one that goes on or was cut there does not.
 *
 * @param sum - Adler-32 of all that was inflated
 */
function checkEnd({ kernel, bytes, state, feed }: OpenStream, sum: number): void {
  state[STATE.outputLimit] = at(state, STATE.output)
  for (;;) {
    const result = kernel.inflate(0)
    const trailer = at(state, STATE.input)
    const isShort = result === RESULT.done && at(state, STATE.inputEnd) - trailer < 4
    if (result === RESULT.needsInput || (isShort && at(state, STATE.isLast) === 0)) feed()
    else if (result === RESULT.damaged) throw damaged()
    else {
      const isChecked = result === RESULT.done && !isShort
      if (isChecked && new DataView(bytes.buffer).getUint32(trailer) !== sum >>> 0) throw damaged()
      return
    }
  }
}

function damaged(): Error {
  return malformed('Expected PNG data that inflates, found damage.')
}

/** Gives the kernel as much input as there is room for, behind what it has left. */
function feeder(bytes: Uint8Array, state: Int32Array, data: readonly Uint8Array[]): () => void {
  let index = 0
  let from = 0
  return () => {
    const left = at(state, STATE.inputEnd) - at(state, STATE.input)
    bytes.copyWithin(INPUT, at(state, STATE.input), at(state, STATE.inputEnd))
    let end = INPUT + left
    while (end < INPUT + INPUT_BYTES) {
      const piece = data[index]
      if (piece === undefined) break
      const part = piece.subarray(from, from + INPUT + INPUT_BYTES - end)
      bytes.set(part, end)
      end += part.byteLength
      from += part.byteLength
      if (from < piece.byteLength) break
      index++
      from = 0
    }
    state[STATE.input] = INPUT
    state[STATE.inputEnd] = end
    state[STATE.isLast] = index === data.length ? 1 : 0
  }
}

function reserve(memory: WasmMemory, byteLength: number): void {
  const missing = byteLength - memory.buffer.byteLength
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES))
}

/** An element that the layout guarantees. The fallback satisfies the type at no cost. */
function at(array: Int32Array, index: number): number {
  return array[index] ?? 0
}
