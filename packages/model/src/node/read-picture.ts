import { readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { AppError } from '@loupe/shared/errors'
import { compileWasm, createImagePipeline, type ImagePipeline, LIMITS } from '@loupe/shared/image'

let loading: Promise<ImagePipeline> | undefined

/**
 * Reads a picture as the released models take it: PNG, JPEG or WebP, turned upright, stretched to 896 × 896 pixels, and
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
  loading ??= createPipeline()
  const pipeline = await loading
  const { patches } = await pipeline.preprocess(await readFile(path))
  return patches
}

/** The codecs are dependencies of `@loupe/shared`, so they are looked up from there. */
async function createPipeline(): Promise<ImagePipeline> {
  const { resolve } = createRequire(import.meta.resolve('@loupe/shared/image'))
  const compile = async (path: string) => compileWasm(await readFile(path))
  const [jpeg, webp, resize] = await Promise.all([
    compile(resolve('@cwasm/jpeg-turbo/jpeg-turbo.wasm')),
    compile(resolve('@cwasm/webp/webp.wasm')),
    compile(fileURLToPath(import.meta.resolve('@loupe/shared/image/resize-simd.wasm'))),
  ])
  return createImagePipeline({ jpeg, webp, resize })
}
