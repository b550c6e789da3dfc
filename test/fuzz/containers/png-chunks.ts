import { crc32 } from 'node:zlib'
import { bigEndian32, concatBytes, latin1Bytes, latin1Text, viewOf } from './bytes.ts'

/** A chunk of a PNG, its length and checksum left out: they are made to fit. */
export interface PngChunk {
  readonly type: string
  readonly payload: Uint8Array
}

const SIGNATURE = latin1Bytes('\x89PNG\r\n\x1a\n')

/** The chunks of a PNG, as far as they are whole. */
export function splitPng(bytes: Uint8Array): PngChunk[] {
  const chunks: PngChunk[] = []
  const view = viewOf(bytes)
  for (let at = SIGNATURE.byteLength; at + 12 <= bytes.byteLength; ) {
    const end = at + 8 + view.getUint32(at)
    if (end + 4 > bytes.byteLength) break
    chunks.push({ type: latin1Text(bytes.subarray(at + 4, at + 8)), payload: bytes.subarray(at + 8, end) })
    at = end + 4
  }
  return chunks
}

/** A PNG of these chunks. */
export function joinPng(chunks: readonly PngChunk[]): Uint8Array {
  return concatBytes([SIGNATURE, ...chunks.flatMap(chunkParts)])
}

function chunkParts({ type, payload }: PngChunk): Uint8Array[] {
  const checked = concatBytes([latin1Bytes(type), payload])
  return [bigEndian32(payload.byteLength), checked, bigEndian32(crc32(checked))]
}

/** Layout of an IHDR. */
export interface PngLayout {
  readonly width: number
  readonly height: number
  /** 8 unless told. */
  readonly bitDepth?: number
  /** 2, which is RGB, unless told. */
  readonly colorType?: number
  readonly isInterlaced?: boolean
}

/** The header chunk of a PNG. */
function pngHeaderChunk({ width, height, bitDepth = 8, colorType = 2, isInterlaced }: PngLayout): PngChunk {
  const methods = Uint8Array.of(bitDepth, colorType, 0, 0, isInterlaced === true ? 1 : 0)
  return { type: 'IHDR', payload: concatBytes([bigEndian32(width), bigEndian32(height), methods]) }
}

/** An RGB PNG, or one of another layout, with any bytes for its data. */
export function pngFile(layout: PngLayout, data: Uint8Array, between: readonly PngChunk[] = []): Uint8Array {
  const end = { type: 'IEND', payload: new Uint8Array() }
  return joinPng([pngHeaderChunk(layout), ...between, { type: 'IDAT', payload: data }, end])
}
