import { AppError } from '@loupe/shared/errors'
import type { ImageReference } from '@loupe/shared/schema'
import { toHex } from '@loupe/shared/wire'
import type { ReadPictureFile } from '../files/read-picture-file.ts'
import { isDataUri, readDataUri } from './data-uri.ts'
import type { DecodeTurns } from './decode-turns.ts'
import type { FetchImage, ImageVisitor } from './fetch-image.ts'

/** One tile of 896x896 as the model takes it. */
export interface PreparedImage {
  /** `[4096 * 588]` uint8. */
  readonly patches: Uint8Array
  /** SHA-256 of the patches, hexadecimal: the name of the tile. */
  readonly digest: string
}

/** A picture as the model sees it: the whole of it, then its crops. */
export type PreparedPicture = readonly [PreparedImage, ...PreparedImage[]]

/** Whether a picture is also cut into crops. */
interface CropOptions {
  readonly panAndScan: boolean
}

/** Patches of one tile. */
interface Tile {
  readonly patches: Uint8Array
  readonly digest: Uint8Array
}

/** Turns the bytes of a file into patches: the image pipeline of `@loupe/shared/image`. */
export interface ImagePreprocessor {
  preprocess(bytes: Uint8Array, options: CropOptions): Promise<Tile & { readonly crops: readonly Tile[] }>
  /** Reads the header only: what would be cut out. */
  measure(bytes: Uint8Array, options: CropOptions): { readonly boxes: readonly unknown[] }
  /** Lets go of memory after a run of pictures. */
  trim(): void
}

/** What {@link prepareImages} and {@link measureImages} work with. */
export interface PrepareImagesOptions {
  readonly images: ImagePreprocessor
  readonly turns: DecodeTurns
  readonly fetchImage: FetchImage
  /** Reads an uploaded picture of the tenant. */
  readonly readPictureFile: ReadPictureFile
  /** Tiles of one request: pictures and crops. */
  readonly maxImages: number
}

/** Whose pictures they are, and how they are looked at. */
export interface ImageTerms extends ImageVisitor {
  /** Whose files may be named; the tenant, unless that is salted. */
  readonly owner?: string
  /** What `detail: "auto"` means for the model. */
  readonly autoPanAndScan: boolean
}

/**
 * Resolves and decodes the pictures of a request, in their order. One after the other: only one file is in memory at a
 * time besides the patches, and the memory of the decoders is gone before the patches are sent.
 *
 * @throws AppError an `image.*` fault whose `param` is the part that named the picture
 */
export async function prepareImages(
  references: readonly ImageReference[],
  options: PrepareImagesOptions,
  terms: ImageTerms,
): Promise<PreparedPicture[]> {
  const { images, turns } = options
  try {
    return await eachPicture(references, { ...options, terms }, async (bytes, crops) => {
      const picture = await turns.run(() => images.preprocess(bytes, crops), terms.signal)
      return [prepared(picture), ...picture.crops.map(prepared)]
    })
  } finally {
    if (references.length > 0) images.trim()
  }
}

/**
 * Counts the crops of each picture of a request. Pictures are fetched and their headers read; nothing is decoded.
 *
 * @throws AppError as {@link prepareImages}, but for damage behind a header
 */
export function measureImages(
  references: readonly ImageReference[],
  options: PrepareImagesOptions,
  terms: ImageTerms,
): Promise<number[]> {
  return eachPicture(references, { ...options, terms }, (_, { count }) => Promise.resolve(count))
}

/** How a picture is cut, and into how many crops. */
interface Crops extends CropOptions {
  readonly count: number
}

async function eachPicture<T>(
  references: readonly ImageReference[],
  { images, maxImages, ...sources }: PrepareImagesOptions & { readonly terms: ImageTerms },
  take: (bytes: Uint8Array, crops: Crops) => Promise<T>,
): Promise<T[]> {
  const surplus = references[maxImages]
  if (surplus !== undefined) throw tooMany(surplus, maxImages, references.length)
  const taken: T[] = []
  let tiles = 0
  for (const reference of references) {
    const { param } = reference
    try {
      const bytes = await bytesOf(reference, sources)
      const panAndScan = wantsCrops(reference, sources.terms)
      const { boxes } = images.measure(bytes, { panAndScan })
      tiles += 1 + boxes.length
      if (tiles > maxImages) throw tooMany(reference, maxImages, tiles)
      taken.push(await take(bytes, { panAndScan, count: boxes.length }))
    } catch (error) {
      throw AppError.isInstance(error) && error.code !== 'request.cancelled' ? error.at(param) : error
    }
  }
  return taken
}

type Sources = Pick<PrepareImagesOptions, 'fetchImage' | 'readPictureFile'> & { readonly terms: ImageTerms }

async function bytesOf({ address, fileId }: ImageReference, sources: Sources): Promise<Uint8Array> {
  const { fetchImage, readPictureFile, terms } = sources
  if (fileId !== undefined) return readPictureFile(fileId, terms.owner ?? terms.tenant)
  return isDataUri(address) ? readDataUri(address) : fetchImage(address, terms)
}

function wantsCrops({ detail = 'auto' }: ImageReference, { autoPanAndScan }: ImageTerms): boolean {
  return detail === 'auto' ? autoPanAndScan : detail === 'high'
}

function prepared({ patches, digest }: Tile): PreparedImage {
  return { patches, digest: toHex(digest) }
}

function tooMany({ param }: ImageReference, most: number, found: number): AppError {
  const detail = `Expected at most ${most} pictures in a request, each crop counted as one, found ${found}.`
  return new AppError('request.invalid', detail, { param })
}
