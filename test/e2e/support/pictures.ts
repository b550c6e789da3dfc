import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'

/** The file of an example picture. */
export function examplePath(name: string): string {
  return fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url))
}

/** The file of a golden picture. */
export function goldenPath(name: string): string {
  return fileURLToPath(new URL(`../../golden/image/input/${name}`, import.meta.url))
}

/** A file as a `data:` URI. */
export function dataUri(path: string): string {
  return bytesUri(readFileSync(path))
}

/** Bytes as a `data:` URI. */
export function bytesUri(bytes: Uint8Array): string {
  return `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`
}

/** A picture as a part of a message. */
export function imagePart(url: string) {
  return { type: 'image_url', image_url: { url } } as const
}

/** Text as a part of a message. */
export function textPart(text: string) {
  return { type: 'text', text } as const
}

/** The start of a PNG that claims to have these sides. */
export function pngHeader(width: number, height: number): Uint8Array {
  const bytes = new Uint8Array(33)
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52])
  const view = new DataView(bytes.buffer)
  view.setUint32(16, width)
  view.setUint32(20, height)
  bytes.set([8, 2], 24)
  view.setUint32(29, crc32(bytes.subarray(12, 29)))
  return bytes
}
