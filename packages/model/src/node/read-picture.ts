import { readFile, stat } from 'node:fs/promises'
import { AppError } from '@loupe/shared/errors'
import { createImagePipeline, type ImagePipeline, LIMITS } from '@loupe/shared/image'
import { loadImageCodecs } from './image-codecs.ts'

let loading: Promise<ImagePipeline> | undefined

/**
 * Reads a picture as the released models take it: PNG, JPEG, WebP or GIF, turned upright, stretched to 896 × 896 pixels, and
 * cut into patches, every byte as Pillow makes it.
 *
 * @returns `[4096·588]` uint8, for `getImageFeatures` and as `pixelValues`
 * @throws AppError `image.empty`, `image.malformed`, `image.unsupported`, `image.too_large`, also when there is no file
 */
export async function readPicture(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const found = await stat(path).catch((cause) => {
    throw new AppError('image.malformed', `Expected a picture at ${path}, found no file.`, { cause })
  })
  // Before it is read, for it may be a device or a film.
  if (!found.isFile() || found.size > LIMITS.fileBytes) {
    const size = found.isFile() ? `${found.size} bytes` : 'something else'
    throw new AppError(
      'image.too_large',
      `${path}: expected a file of at most ${LIMITS.fileBytes} bytes, found ${size}.`,
    )
  }
  loading ??= loadImageCodecs().then((codecs) => createImagePipeline(codecs))
  const pipeline = await loading
  const { patches } = await pipeline.preprocess(await readFile(path))
  return patches
}
