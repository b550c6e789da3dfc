import { latin1 } from './bytes.ts'
import { unsupported } from './limits.ts'

/** The formats that are decoded here. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'avif'

/** Where a signature lies, the signature as Latin-1 text, and what it says. */
type Signature = readonly [offset: number, text: string, name: string]

const FOREIGN: readonly Signature[] = [
  [0, 'BM', 'a BMP'],
  [0, 'II*\0', 'a TIFF'],
  [0, 'MM\0*', 'a TIFF'],
  [0, 'II+\0', 'a BigTIFF'],
  [0, 'MM\0+', 'a BigTIFF'],
  [0, '\0\0\x01\0', 'an icon (ICO)'],
  [0, '\0\0\x02\0', 'a cursor (CUR)'],
  [0, '\xff\x0a', 'a JPEG XL'],
  [0, '\0\0\0\x0cJXL ', 'a JPEG XL'],
  [0, '\0\0\0\x0cjP  ', 'a JPEG 2000'],
  [0, '\xff\x4f\xff\x51', 'a JPEG 2000'],
  [0, '\xff\xd8\xff\xf7', 'a JPEG-LS'],
  [0, '%PDF-', 'a PDF'],
  [0, '8BPS', 'a Photoshop file (PSD)'],
  [0, 'qoif', 'a QOI'],
  [0, 'DDS ', 'a DDS texture'],
  [0, 'v/1\x01', 'an OpenEXR'],
  [0, '#?RADIANCE', 'a Radiance HDR'],
  [0, '\x8aMNG', 'an MNG'],
  [0, 'RIFF', 'a RIFF file that is not WebP'],
  [0, '\x1aE\xdf\xa3', 'a Matroska or WebM video'],
  [0, 'PK\x03\x04', 'a ZIP archive'],
  [0, '\x1f\x8b', 'a gzip stream'],
  [0, '%!PS', 'a PostScript file'],
]

/** Major and compatible brands of the ISO base media file format. */
const BRANDS: readonly (readonly [RegExp, string])[] = [
  [/^(hei[cxms]|hev[cxms])/, 'an HEIC'],
  [/^(mif1|msf1)/, 'an HEIF'],
  [/^crx /, 'a Canon CR3 raw file'],
  [/^/, 'an ISO media file (MP4 or similar)'],
]

/**
 * Names the format by its first bytes. File names and media types are not asked: they are often wrong.
 *
 * @throws AppError `image.unsupported` naming the format found
 */
export function sniffFormat(bytes: Uint8Array): ImageFormat {
  const head = latin1(bytes, 0, 512)
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'png'
  if (head.startsWith('RIFF') && head.startsWith('WEBP', 8)) return 'webp'
  if (/^GIF8[79]a/.test(head)) return 'gif'
  const brands = mediaBrands(head)
  if (brands.some((brand) => /^avi[fs]/.test(brand))) return 'avif'
  const foreign = FOREIGN.find(([offset, text]) => head.startsWith(text, offset))
  if (foreign !== undefined) throw unsupported(foreign[2])
  if (head.startsWith('\xff\xd8\xff')) return 'jpeg'
  throw unsupported(mediaName(brands) ?? textFormat(head) ?? `something else, beginning with ${hex(bytes)}`)
}

/** The major brand and the first compatible ones; none if it is no such file. */
function mediaBrands(head: string): string[] {
  if (!head.startsWith('ftyp', 4)) return []
  return [head.slice(8, 12), ...(head.slice(16, 64).match(/[\s\S]{4}/g) ?? [])]
}

function mediaName(brands: readonly string[]): string | undefined {
  if (brands.length === 0) return undefined
  // HEIF's own brand says nothing about the codec, so a more telling compatible brand goes first.
  const known = BRANDS.slice(0, -1).find(([pattern]) => brands.some((brand) => pattern.test(brand)))
  return (known ?? BRANDS.at(-1))?.[1]
}

function textFormat(head: string): string | undefined {
  const text = head.replace(/^\xef\xbb\xbf/, '').trimStart()
  if (/^<svg[\s>]/i.test(text) || (/^<(\?xml|!--|!doctype svg)/i.test(text) && /<svg[\s>]|doctype svg/i.test(text))) {
    return 'an SVG'
  }
  if (/^<(!doctype html|html|head|body)/i.test(text)) return 'an HTML page'
  if (/^P[1-6]\s/.test(text)) return 'a Netpbm picture'
  if (/^data:image\//i.test(text)) return 'a data URI that was not decoded'
  return undefined
}

function hex(bytes: Uint8Array): string {
  return [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
}
