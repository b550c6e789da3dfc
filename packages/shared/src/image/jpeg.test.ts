import { describe, expect, it } from 'vitest'
import { decodeJpeg, type JpegCodec } from './jpeg.ts'
import type { JpegHeader } from './jpeg-header.ts'
import { UPRIGHT } from './orientation.ts'

/** A decoder whose memory still holds the last picture, and that writes the rows it is told to write. */
function decoderThatWrites(
  rows: number,
  { width, height }: { readonly width: number; readonly height: number },
): JpegCodec {
  const memory = { buffer: new Uint8Array(width * height * 3).fill(200).buffer, grow: () => 0 }
  const view = (pointer: number, byteLength: number) => new Uint8Array(memory.buffer, pointer, byteLength)
  const exports = {
    memory,
    malloc: () => 0,
    free: () => undefined,
    tjInitDecompress: () => 1,
    tjDecompress2: () => {
      view(0, rows * width * 3).fill(7)
      return -1
    },
    tjDestroy: () => 0,
  }
  const session = { exports, view, allocate: () => 0, copyIn: () => 0, adopt: (pointer: number) => pointer }
  return { run: (decode) => decode(session), heldBytes: 0, trim: () => undefined }
}

function headerOf(size: { readonly width: number; readonly height: number }): JpegHeader {
  return { format: 'jpeg', ...size, orientation: UPRIGHT, components: 3, scale: 8, decoded: size, heldBytes: 0 }
}

describe('a JPEG whose decoder gives up before its first row', () => {
  it('is refused when it is large: the memory holds another picture', () => {
    const size = { width: 200, height: 200 }
    const decode = () => decodeJpeg(decoderThatWrites(0, size), new Uint8Array(1), headerOf(size), () => undefined)
    expect(decode).toThrow(expect.objectContaining({ code: 'image.malformed' }))
  })

  it('is black when it is small', () => {
    const size = { width: 3, height: 3 }
    const rows: number[][] = []
    decodeJpeg(decoderThatWrites(0, size), new Uint8Array(1), headerOf(size), (row) => rows.push([...row]))
    expect(rows.flat()).toEqual(new Array(27).fill(0))
  })

  it('is a picture when all rows were written, whatever the decoder says', () => {
    const size = { width: 200, height: 200 }
    let rows = 0
    decodeJpeg(decoderThatWrites(200, size), new Uint8Array(1), headerOf(size), () => rows++)
    expect(rows).toBe(200)
  })
})
