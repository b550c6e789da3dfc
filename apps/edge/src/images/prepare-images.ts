import { AppError } from '@loupe/shared/errors'
import type { ImageReference } from '@loupe/shared/schema'
import { toHex } from '@loupe/shared/wire'
import { isDataUri, readDataUri } from './data-uri.ts'
import type { DecodeTurns } from './decode-turns.ts'

/** A picture as the model takes it. */
export interface PreparedImage {
  /** `[4096 * 588]` uint8. */
  readonly patches: Uint8Array
  /** SHA-256 of the patches, hexadecimal: the name of the picture. */
  readonly digest: string
}

/** Turns the bytes of a file into patches: the image pipeline of `@loupe/shared/image`. */
export interface ImagePreprocessor {
  preprocess(bytes: Uint8Array): Promise<{ readonly patches: Uint8Array; readonly digest: Uint8Array }>
  /** Lets go of memory after a run of pictures. */
  trim(): void
}

/** What {@link prepareImages} works with. */
export interface PrepareImagesOptions {
  readonly images: ImagePreprocessor
  readonly turns: DecodeTurns
  readonly fetchImage: (address: string, signal: AbortSignal) => Promise<Uint8Array>
  readonly maxImages: number
}

/**
 * Resolves and decodes the pictures of a request, in their order. One after the other: only one file is in memory at a
 * time besides the patches, and the memory of the decoders is gone before the patches are sent.
 *
 * @throws AppError an `image.*` fault whose `param` is the part that named the picture
 */
export async function prepareImages(
  references: readonly ImageReference[],
  { images, turns, fetchImage, maxImages }: PrepareImagesOptions,
  signal: AbortSignal,
): Promise<PreparedImage[]> {
  if (references.length === 0) return []
  const surplus = references[maxImages]
  if (surplus !== undefined) {
    const detail = `Expected at most ${maxImages} pictures in a request, found ${references.length}.`
    throw new AppError('request.invalid', detail, { param: surplus.param })
  }
  const prepare = async ({ address, param }: ImageReference): Promise<PreparedImage> => {
    try {
      const bytes = isDataUri(address) ? readDataUri(address) : await fetchImage(address, signal)
      const { patches, digest } = await turns.run(() => images.preprocess(bytes))
      return { patches, digest: toHex(digest) }
    } catch (error) {
      throw AppError.isInstance(error) && error.code !== 'request.cancelled' ? error.at(param) : error
    }
  }
  const prepared: PreparedImage[] = []
  try {
    for (const reference of references) prepared.push(await prepare(reference))
  } finally {
    images.trim()
  }
  return prepared
}
