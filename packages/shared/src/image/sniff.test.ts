import { describe, expect, it } from 'vitest'
import { sniffFormat } from './sniff.ts'

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0))
const ftyp = (brands: string) => `\0\0\0\x20ftyp${brands}`

describe('sniffFormat', () => {
  it.each([
    ['\xff\xd8\xff\xe0', 'jpeg'],
    ['\x89PNG\r\n\x1a\n', 'png'],
    ['RIFF\x04\0\0\0WEBPVP8 ', 'webp'],
    ['GIF87a', 'gif'],
    ['GIF89a', 'gif'],
    [ftyp('avif\0\0\0\0mif1'), 'avif'],
    [ftyp('avis\0\0\0\0msf1'), 'avif'],
    [ftyp('mif1\0\0\0\0mif1avif'), 'avif'],
  ])('knows %j as %s', (head, format) => {
    expect(sniffFormat(bytes(head))).toBe(format)
  })

  it.each([
    ['GIF90a', 'something else'],
    ['BM\x36\0\0\0', 'a BMP'],
    ['II*\0', 'a TIFF'],
    ['MM\0*', 'a TIFF'],
    ['%PDF-1.7', 'a PDF'],
    ['RIFF\x04\0\0\0WAVE', 'a RIFF file that is not WebP'],
    [ftyp('heic\0\0\0\0mif1'), 'an HEIC'],
    [ftyp('isom\0\0\0\0mp42'), 'an ISO media file'],
    ['<svg xmlns="http://www.w3.org/2000/svg">', 'an SVG'],
    ['\xef\xbb\xbf<?xml version="1.0"?>\n<!-- drawn -->\n<svg>', 'an SVG'],
    ['<!DOCTYPE html>', 'an HTML page'],
    ['\xff\xd8\xff\xf7', 'a JPEG-LS'],
    ['P6 2 2 255', 'a Netpbm picture'],
  ])('names %j as %s', (head, name) => {
    expect(() => sniffFormat(bytes(head))).toThrow(
      expect.objectContaining({ code: 'image.unsupported', detail: expect.stringContaining(`found ${name}`) }),
    )
  })

  it('shows the first bytes of what it does not know', () => {
    expect(() => sniffFormat(bytes('hello'))).toThrow('beginning with 68 65 6c 6c 6f')
  })
})
