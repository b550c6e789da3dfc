/** What the files of `hostile-pictures.ts` are made of. */
import { readFileSync } from 'node:fs'
import { deflateSync } from 'node:zlib'
import { bigEndian32, concatBytes, latin1Bytes, viewOf } from '../../fuzz/containers/bytes.ts'
import { type JpegSegment, joinJpeg, splitJpeg } from '../../fuzz/containers/jpeg-segments.ts'
import { joinPng, type PngChunk, pngFile, splitPng } from '../../fuzz/containers/png-chunks.ts'
import { extendedChunk, frameChunk, joinWebp, splitWebp } from '../../fuzz/containers/riff-chunks.ts'
import { goldenPath } from './pictures.ts'

/** As many bytes as fit a request as base64, with a little room for the rest of it. */
const MOST_BYTES = 8_900_000
const START_OF_SCAN = 0xda

/** A small PNG. */
export const SMALL = { width: 16, height: 16 }

/** The data of a small PNG, black. */
export function smallData(): Uint8Array {
  return new Uint8Array(deflateSync(new Uint8Array((SMALL.width * 3 + 1) * SMALL.height)))
}

/** A sound PNG, as small as that. */
export function plainPng(): Uint8Array {
  return pngFile(SMALL, smallData())
}

/** A sound picture of the golden set. */
export function soundPicture(name: string): Uint8Array {
  return Uint8Array.from(readFileSync(goldenPath(`../variants/${name}`)))
}

/** Its first half. */
export function half(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.byteLength >> 1)
}

/** The same thing several times. */
export function repeat<T>(count: number, item: T): T[] {
  return Array.from({ length: count }, () => item)
}

/** A copy with half of the bits of 16 bytes turned over. */
export function flipped(bytes: Uint8Array, from: number): Uint8Array {
  return bytes.map((byte, at) => (at >= from && at < from + 16 ? byte ^ 0x55 : byte))
}

/** Twenty thousand pixels square in 50 KB: as RGB they are 1.2 GB. */
export function pngBomb(): Uint8Array {
  const side = 20_000
  const data = deflateSync(new Uint8Array((1 + side / 8) * side))
  return pngFile({ width: side, height: side, bitDepth: 1, colorType: 0 }, data)
}

/** Chunks of 12 bytes that hold nothing, in front of a small picture. */
export function emptyChunks(): Uint8Array {
  const chunk: PngChunk = { type: 'teXt', payload: new Uint8Array() }
  const bytes = joinPng([chunk]).subarray(8)
  const [header = chunk, ...rest] = splitPng(plainPng())
  const many = repeat(Math.floor(MOST_BYTES / bytes.byteLength), bytes)
  return concatBytes([joinPng([header]), ...many, joinPng(rest).subarray(8)])
}

/** A progressive JPEG that has more scans, with nothing in them, before its last one. */
export function manyScans(count: number): Uint8Array {
  const segments = splitJpeg(soundPicture('420-progressive.jpg'))
  const last = segments.findLastIndex(({ marker }) => marker === START_OF_SCAN)
  const empty = segments.slice(last, last + 1).map((scan) => ({ ...scan, coded: new Uint8Array() }))
  return joinJpeg([...segments.slice(0, last), ...repeat(count, empty).flat(), ...segments.slice(last)])
}

/** The same JPEG with another segment behind its start. */
export function withSegment(jpeg: Uint8Array, segment: JpegSegment): Uint8Array {
  const segments = splitJpeg(jpeg)
  return joinJpeg([...segments.slice(0, 1), segment, ...segments.slice(1)])
}

/** A directory that points at itself, twice, and tells of 65,535 entries that are not there. */
export function exifLoop(): Uint8Array {
  const block = new Uint8Array(26)
  block.set(latin1Bytes('MM\0*'))
  const view = viewOf(block)
  view.setUint32(4, 8)
  view.setUint16(8, 0xffff)
  view.setUint16(10, 0x8769) // the Exif directory
  view.setUint16(12, 4)
  view.setUint32(14, 1)
  view.setUint32(18, 8)
  view.setUint32(22, 8)
  return block
}

/** An animation of a tiny frame on a canvas as large as can be. */
export function canvasBomb(): Uint8Array {
  const frame = frameChunk({ x: 0, y: 0, width: 1, height: 1 }, splitWebp(soundPicture('lossy.webp')))
  return joinWebp([extendedChunk(2, 16_384, 16_384), { type: 'ANIM', payload: new Uint8Array(6) }, frame])
}

/** An animation of frames with nothing in them. */
export function frameBomb(): Uint8Array {
  const frame = frameChunk({ x: 0, y: 0, width: 64, height: 64 }, [])
  return joinWebp([extendedChunk(2, 64, 64), ...repeat(60_000, frame)])
}

/** The start of an ISO media file of a brand. */
export function media(brand: string): Uint8Array {
  return concatBytes([bigEndian32(24), latin1Bytes(`ftyp${brand}\0\0\0\0${brand}mif1`)])
}

const BEFORE_BOMB = { iCCP: 'p\0\0', zTXt: 'k\0\0', iTXt: 'XML:com.adobe.xmp\0\x01\0\0\0' }

/** Metadata of a PNG that is a thousand times as large once it is inflated. */
export function bombIn(type: keyof typeof BEFORE_BOMB): PngChunk {
  const zeros = deflateSync(new Uint8Array(50_000_000))
  return { type, payload: concatBytes([latin1Bytes(BEFORE_BOMB[type]), zeros]) }
}
