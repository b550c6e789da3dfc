import type { AvifHeader } from './avif-header.ts'
import { type AvifExports, avifInstance } from './avif-instance.ts'
import { malformed, tooLarge } from './limits.ts'
import { type CodecSession, type WasmCodec, wasmCodec } from './wasm-codec.ts'
import type { WasmModule } from './wasm-module.ts'

export type AvifCodec = WasmCodec<AvifExports>

const BITS = 8
const PIXEL_BYTES = 4
const LENGTH_BYTES = 4
/** Where a file names its major brand. */
const MAJOR_BRAND = 8

/** @param module - `@jsquash/avif/codec/dec/avif_dec.wasm`, compiled */
export function avifCodec(module: WasmModule): AvifCodec {
  return wasmCodec('an AVIF', () => avifInstance(module))
}

/** A file and what its decode may take. */
export interface AvifInput {
  readonly bytes: Uint8Array
  readonly header: AvifHeader
  /** Bytes that the decoder's memory may grow to. */
  readonly decodeBytes: number
}

/**
 * Decodes an AVIF row by row into `onRow`, as RGBA, not turned. The memory is given up at once: it is large, and a new
 * instance takes a millisecond or two.
 *
 * @throws AppError `image.malformed`, or `image.too_large` if it takes more memory than its header let expect
 */
export function decodeAvif(codec: AvifCodec, input: AvifInput, onRow: (row: Uint8Array) => void): void {
  let isFull = false
  try {
    codec.run((session) => {
      const { exports } = session
      exports.memoryLimit = input.decodeBytes
      try {
        decompress(session, input, onRow)
      } finally {
        isFull = exports.isFull
      }
    })
  } catch (thrown) {
    throw isFull ? tooLarge(`an AVIF that decodes in ${input.decodeBytes} bytes`, 'one that needs more') : thrown
  } finally {
    codec.trim(0)
  }
}

function decompress(
  { exports, allocate, view }: CodecSession<AvifExports>,
  { bytes, header: { width, height } }: AvifInput,
  onRow: (row: Uint8Array) => void,
): void {
  // A C++ string: its length, its bytes, a zero.
  const text = allocate(LENGTH_BYTES + bytes.byteLength + 1)
  new DataView(exports.memory.buffer).setUint32(text, bytes.byteLength, true)
  const copy = view(text + LENGTH_BYTES, bytes.byteLength)
  copy.set(bytes)
  // `avis` would ask for the first frame of a sequence; the header is that of the still picture, which shows the same.
  copy.set(new TextEncoder().encode('avif'), MAJOR_BRAND)
  let isComplete = false
  exports.decode(text, BITS, (pixels, size) => {
    if (size.width !== width || size.height !== height) return
    for (let y = 0; y < height; y++) onRow(view(pixels + y * width * PIXEL_BYTES, width * PIXEL_BYTES))
    isComplete = true
  })
  if (!isComplete) throw malformed('Expected an AVIF that decodes, found damaged data.')
}
