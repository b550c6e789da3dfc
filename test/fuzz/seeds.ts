import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodePng } from '@loupe/shared/image'
import sharp, { type Sharp } from 'sharp'
import { caseRandom } from './random.ts'

/** The formats that are fuzzed. */
export const FUZZ_FORMATS = ['png', 'jpeg', 'webp', 'gif', 'avif'] as const

export type FuzzFormat = (typeof FUZZ_FORMATS)[number]

/** A sound file that others are made of. */
export interface SeedFile {
  readonly name: string
  readonly format: FuzzFormat
  readonly bytes: Uint8Array
}

const BY_EXTENSION: Readonly<Record<string, FuzzFormat>> = {
  '.png': 'png',
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
  '.webp': 'webp',
  '.gif': 'gif',
  '.avif': 'avif',
}

/** Larger ones cost time and find nothing more. */
const MOST_BYTES = 100_000

const GOLDEN = ['variants', 'input'].map((folder) =>
  fileURLToPath(new URL(`../golden/image/${folder}/`, import.meta.url)),
)

/** The golden pictures, those that our encoder and sharp's make, and those of other folders. */
export async function loadSeeds(formats: readonly FuzzFormat[], folders: readonly string[] = []): Promise<SeedFile[]> {
  const files = await Promise.all([...GOLDEN, ...folders].map(readFolder))
  const seeds = [...files.flat(), ...(await encodedSeeds())]
  return seeds
    .filter(({ format, bytes }) => formats.includes(format) && bytes.byteLength <= MOST_BYTES)
    .map(({ name, format, bytes }) => ({ name, format, bytes: Uint8Array.from(bytes) })) // `slice` of a Buffer is no copy
}

async function readFolder(folder: string): Promise<SeedFile[]> {
  const names = (await readdir(folder)).sort()
  const known = names.flatMap((name) => {
    const format = BY_EXTENSION[extname(name).toLowerCase()]
    return format === undefined ? [] : [{ name, format }]
  })
  return Promise.all(
    known.map(async ({ name, format }) => ({ name, format, bytes: await readFile(join(folder, name)) })),
  )
}

const WIDTH = 48
const HEIGHT = 36

/** Pixels that compress a little: a slope with noise on it. */
function pixels(channels: 3 | 4, pages = 1): Uint8Array {
  const random = caseRandom(896, channels)
  const length = WIDTH * HEIGHT * pages * channels
  return Uint8Array.from({ length }, (_, i) => ((i % (WIDTH * channels)) + random.below(40)) & 0xff)
}

/** Files of the kinds that the golden set has few of. */
async function encodedSeeds(): Promise<SeedFile[]> {
  const raw = (channels: 3 | 4) => sharp(pixels(channels), { raw: { width: WIDTH, height: HEIGHT, channels } })
  const pages = sharp(pixels(4, 3), { raw: { width: WIDTH, height: HEIGHT * 3, channels: 4, pageHeight: HEIGHT } })
  const made: readonly (readonly [string, FuzzFormat, Sharp])[] = [
    ['progressive 4:4:4', 'jpeg', raw(3).jpeg({ progressive: true, chromaSubsampling: '4:4:4' })],
    ['optimised scans', 'jpeg', raw(3).jpeg({ mozjpeg: true })],
    ['palette, interlaced', 'png', raw(4).png({ palette: true, progressive: true })],
    ['near lossless', 'webp', raw(4).webp({ nearLossless: true })],
    ['animated', 'webp', pages.clone().webp({ loop: 0, delay: [90, 90, 90] })],
    ['animated', 'gif', pages.clone().gif()],
    ['interlaced', 'gif', raw(4).gif({ progressive: true })],
    ['lossy', 'avif', raw(3).avif({ quality: 40, effort: 0 })],
    ['with alpha', 'avif', raw(4).avif({ quality: 60, effort: 0 })],
    ['lossless 4:4:4', 'avif', raw(3).avif({ lossless: true, effort: 0 })],
    ['10 bits', 'avif', raw(3).avif({ bitdepth: 10, effort: 0 })],
  ]
  const size = { width: WIDTH, height: HEIGHT }
  const own: SeedFile = { name: 'our encoder', format: 'png', bytes: await encodePng(pixels(3), size) }
  const others = made.map(async ([name, format, picture]) => ({ name, format, bytes: await picture.toBuffer() }))
  return [own, ...(await Promise.all(others))]
}
