import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp, { type Sharp } from 'sharp'
import { createRandom } from '../loupe-tiny/random.ts'
import { drawScreenshot } from './image-screenshot.ts'

/** A file to measure, and what is wanted of it. */
export interface ImageCase {
  readonly name: string
  readonly path: string
  readonly bytes: Uint8Array
  /** Milliseconds from bytes to patches in workerd, warm. */
  readonly wantedMs?: number
}

interface Recipe extends Omit<ImageCase, 'path' | 'bytes'> {
  readonly width: number
  readonly height: number
  /** Spread of the grain, levels. A file of a camera has some, and a codec has most of its work with it. */
  readonly grain: number
  readonly encode: (picture: Sharp) => Sharp
}

const TWELVE = { width: 4032, height: 3024, grain: 12 }
const FOUR_K = { width: 3840, height: 2160, grain: 2 }
const jpeg = (quality: number, progressive: boolean) => (picture: Sharp) =>
  picture.jpeg({ quality, progressive, chromaSubsampling: '4:2:0' })
const png = (picture: Sharp) => picture.png({ compressionLevel: 6, adaptiveFiltering: true })

/** File names are the keys. A screenshot has no grain. */
const RECIPES: Readonly<Record<string, Recipe>> = {
  'jpeg-12.jpg': { ...TWELVE, name: 'JPEG 12 MP 4:2:0', encode: jpeg(88, false), wantedMs: 400 },
  'jpeg-12-progressive.jpg': { ...TWELVE, name: 'JPEG 12 MP progressive', encode: jpeg(88, true), wantedMs: 400 },
  'jpeg-48.jpg': {
    name: 'JPEG 48 MP 4:2:0',
    ...{ width: 8064, height: 6048, grain: 10 },
    encode: jpeg(80, false),
    wantedMs: 800,
  },
  'png-4k.png': { ...FOUR_K, name: 'PNG 4K photograph', encode: png, wantedMs: 500 },
  'png-4k-screen.png': { ...FOUR_K, grain: 0, name: 'PNG 4K screenshot', encode: png, wantedMs: 500 },
  'webp-12.webp': { ...TWELVE, name: 'WebP 12 MP lossy', encode: (picture) => picture.webp({ quality: 85 }) },
  'webp-6-lossless.webp': {
    name: 'WebP 6 MP lossless',
    ...{ width: 2880, height: 2080, grain: 1 },
    encode: (picture) => picture.webp({ lossless: true, effort: 1 }),
  },
  'gif-2.gif': { ...{ width: 1920, height: 1080, grain: 3 }, name: 'GIF 2 MP', encode: (picture) => picture.gif() },
}

/** The files that can be asked for. */
export const IMAGE_FILES: readonly string[] = Object.keys(RECIPES)

/** Makes a file, or takes the one that an earlier run left in `folder`. */
export async function imageCase(file: string, folder: string): Promise<ImageCase> {
  const recipe = RECIPES[file]
  if (recipe === undefined) throw new RangeError(`no recipe for ${file}`)
  const { name, wantedMs } = recipe
  const path = join(folder, file)
  const bytes = await readFile(path).catch(async () => {
    await mkdir(folder, { recursive: true })
    const made = await draw(recipe, IMAGE_FILES.indexOf(file))
    await writeFile(path, made)
    return made
  })
  return { name, path, bytes, ...(wantedMs === undefined ? {} : { wantedMs }) }
}

async function draw({ width, height, grain, encode }: Recipe, seed: number): Promise<Uint8Array> {
  const pixels = grain === 0 ? drawScreenshot(width, height, seed) : await photograph({ width, height, grain, seed })
  return encode(sharp(pixels, { raw: { width, height, channels: 3 } })).toBuffer()
}

/** A photograph enlarged, with grain on top: no two files have the same. */
async function photograph(wanted: { width: number; height: number; grain: number; seed: number }): Promise<Uint8Array> {
  const { width, height, grain, seed } = wanted
  const source = fileURLToPath(new URL('../golden/image/input/chelsea.png', import.meta.url))
  const large = sharp(source).resize(width, height, { fit: 'fill', kernel: 'cubic' }).removeAlpha()
  const pixels = await large.raw().toBuffer()
  const random = createRandom(seed)
  // The sum of two is a triangle: near enough to the noise of a sensor.
  const noise = Int8Array.from({ length: 65_521 }, () => Math.round(grain * 2.45 * (random.next() + random.next() - 1)))
  for (let at = 0, from = 0; at < pixels.length; at++, from++) {
    if (from >= noise.length) from = random.integer(0, noise.length - 1)
    pixels[at] = Math.min(Math.max((pixels[at] ?? 0) + (noise[from] ?? 0), 0), 255)
  }
  return pixels
}
