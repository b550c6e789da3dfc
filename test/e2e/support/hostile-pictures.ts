import { deflateSync } from 'node:zlib'
import { concatBytes, latin1Bytes, littleEndian32 } from '../../fuzz/containers/bytes.ts'
import { GIF_END, gifPixel, gifScreen, joinGif } from '../../fuzz/containers/gif-blocks.ts'
import { jpegSegment, resizedJpeg } from '../../fuzz/containers/jpeg-segments.ts'
import { pngFile } from '../../fuzz/containers/png-chunks.ts'
import { caseRandom } from '../../fuzz/random.ts'
import {
  bombIn,
  canvasBomb,
  emptyChunks,
  exifLoop,
  flipped,
  frameBomb,
  half,
  manyScans,
  media,
  plainPng,
  pngBomb,
  repeat,
  SMALL,
  smallData,
  soundPicture,
  withSegment,
} from './hostile-files.ts'

/** A file that means harm, made when it is needed: some have many megabytes. */
interface HostilePicture {
  readonly name: string
  readonly make: () => Uint8Array
}

/** One that is refused. */
export interface RefusedPicture extends HostilePicture {
  readonly status: number
  readonly code: string
  /** Part of the message. */
  readonly says: RegExp
}

/** One in which something is to be seen all the same. */
export interface HarmlessPicture extends HostilePicture {
  /** A sound file with the same pixels. */
  readonly like: () => Uint8Array
}

type Make = HostilePicture['make']
type Row = readonly [name: string, says: RegExp, make: Make]

/** Rows that are refused for the same reason. */
const refused = (status: number, code: string, rows: readonly Row[]): RefusedPicture[] =>
  rows.map(([name, says, make]) => ({ name, status, code, says, make }))

const JPEG = () => soundPicture('420.jpg')
const PNG = () => soundPicture('rgb-8.png')
const WEBP = () => soundPicture('lossless.webp')
const GIF = () => soundPicture('../input/chelsea.gif')
const text = (characters: string) => () => latin1Bytes(characters)

const TOO_LARGE: readonly Row[] = [
  ['a JPEG header of 65500x65500', /65500x65500/, () => resizedJpeg(JPEG(), 65_500, 65_500)],
  ['a JPEG of 10,000 scans', /100 scans/, () => manyScans(10_000)],
  ['a JPEG of 110 empty scans', /100 scans/, () => manyScans(110)],
  [
    'a PNG header of 2^31 x 2^31',
    /2147483648x2147483648/,
    () => pngFile({ width: 2 ** 31, height: 2 ** 31 }, smallData()),
  ],
  ['a PNG bomb of 20000x20000', /20000x20000/, pngBomb],
  ['a PNG of as many empty chunks as fit', /chunks/, emptyChunks],
  ['a WebP animation on a huge canvas', /16384x16384/, canvasBomb],
  ['a WebP animation of 60,000 frames', /chunks/, frameBomb],
  ['a GIF screen of 65535x65535', /65535x65535/, () => joinGif([gifScreen(65_535, 65_535), gifPixel(0, 0), GIF_END])],
  ['a GIF frame in the far corner', /65535x65535/, () => joinGif([gifScreen(1, 1), gifPixel(65_534, 65_534), GIF_END])],
]

const MALFORMED: readonly Row[] = [
  ['a JPEG of no lines', /at least one pixel/, () => resizedJpeg(JPEG(), 16, 0)],
  ['a truncated JPEG', /truncated/, () => half(JPEG())],
  ['a JPEG with a damaged frame header', /JPEG/, () => flipped(JPEG(), 160)],
  [
    'garbage that begins like a JPEG',
    /JPEG/,
    () => concatBytes([Uint8Array.of(0xff, 0xd8, 0xff), caseRandom(1, 2).bytes(5000)]),
  ],
  ['a PNG of no pixels', /at least one pixel/, () => pngFile({ width: 0, height: 1 }, smallData())],
  ['a PNG that promises rows it has not', /truncated/, () => pngFile({ width: 4000, height: 4000 }, smallData())],
  ['a truncated PNG', /truncated/, () => half(PNG())],
  ['a PNG with flipped bits', /checksum/, () => flipped(PNG(), 60)],
  ['a PNG with flipped bits and a checksum that fits', /inflates/, () => pngFile(SMALL, flipped(smallData(), 4))],
  ['a truncated WebP', /truncated/, () => half(WEBP())],
  ['a WebP with flipped bits', /WebP/, () => flipped(WEBP(), 26)],
  ['a truncated GIF', /GIF/, () => half(GIF())],
  ['a GIF with flipped bits', /GIF/, () => flipped(GIF(), 800)],
  ['a GIF without a frame', /GIF/, () => joinGif([gifScreen(9, 9), GIF_END])],
]

const UNSUPPORTED: readonly Row[] = [
  ['an AVIF where they are not switched on', /an AVIF/, () => media('avif')],
  ['an HEIC', /an HEIC/, () => media('heic')],
  ['a TIFF', /a TIFF/, text('II*\0\x08\0\0\0\0\0')],
  ['a TIFF, big-endian', /a TIFF/, text('MM\0*\0\0\0\x08\0\0')],
  ['an SVG', /an SVG/, text('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>')],
  ['an SVG with an entity in it', /an SVG/, text('<!DOCTYPE svg [<!ENTITY a "aa">]><svg>&a;</svg>')],
  ['a BMP', /a BMP/, () => concatBytes([latin1Bytes('BM'), littleEndian32(70), new Uint8Array(64)])],
  ['a PDF with a JPEG in it', /a PDF/, () => concatBytes([latin1Bytes('%PDF-1.7\n'), JPEG()])],
  ['a page with a PNG in it', /an HTML page/, () => concatBytes([latin1Bytes('<html>'), plainPng()])],
  ['a WAV', /not WebP/, text('RIFF\x24\0\0\0WAVEfmt ')],
]

/** What is refused, by status and code. */
export const REFUSED: readonly RefusedPicture[] = [
  ...refused(400, 'image.empty', [['no bytes at all', /no bytes/, () => new Uint8Array()]]),
  ...refused(413, 'image.too_large', TOO_LARGE),
  ...refused(400, 'image.malformed', MALFORMED),
  ...refused(415, 'image.unsupported', UNSUPPORTED),
]

const harmless = (name: string, like: Make, make: Make): HarmlessPicture => ({ name, like, make })
const exifSegment = () => jpegSegment(0xe1, concatBytes([latin1Bytes('Exif\0\0'), exifLoop()]))
const pageSegment = jpegSegment(0xfe, latin1Bytes('<html><script>alert(1)</script>'))

/** What is a picture all the same, and which. */
export const HARMLESS: readonly HarmlessPicture[] = [
  harmless('a PNG with 50 MB of surplus data', plainPng, () => pngFile(SMALL, deflateSync(new Uint8Array(50_000_000)))),
  harmless('a PNG with bytes behind its data', plainPng, () =>
    pngFile(SMALL, concatBytes([smallData(), caseRandom(3, 4).bytes(999)])),
  ),
  ...(['iCCP', 'zTXt', 'iTXt'] as const).map((type) =>
    harmless(`a PNG with a bomb in its ${type}`, plainPng, () => pngFile(SMALL, smallData(), [bombIn(type)])),
  ),
  harmless('a PNG whose EXIF goes round in circles', plainPng, () =>
    pngFile(SMALL, smallData(), [{ type: 'eXIf', payload: exifLoop() }]),
  ),
  harmless('a PNG with another picture behind it', plainPng, () => concatBytes([plainPng(), PNG()])),
  harmless('a JPEG whose EXIF goes round in circles', JPEG, () => withSegment(JPEG(), exifSegment())),
  harmless(
    'a JPEG of 80 empty scans',
    () => manyScans(1),
    () => manyScans(80),
  ),
  harmless('a JPEG with an archive behind it', JPEG, () => concatBytes([JPEG(), latin1Bytes('PK\x03\x04')])),
  harmless('a JPEG with a page in its comment', JPEG, () => withSegment(JPEG(), pageSegment)),
  harmless(
    'a GIF of as many frames as fit',
    () => joinGif([gifScreen(9, 9), gifPixel(0, 0), GIF_END]),
    () => joinGif([gifScreen(9, 9), ...repeat(590_000, gifPixel(0, 0)), GIF_END]),
  ),
]
