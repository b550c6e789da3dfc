import { AppError } from '@loupe/shared/errors'
import type { Gemma3Config } from '../gemma3/config.ts'
import type { Floats } from '../graph/floats.ts'
import { countPictures, type Pixels } from './pixels.ts'
import { checkImageCount } from './prompt-tokens.ts'

/** The pictures of a request, in the order of their places in its ids: pixels, or features in their place. */
export interface Pictures {
  /** All n of them; their features are computed. */
  readonly pixelValues?: Pixels
  /** `[m·d]` of each. */
  readonly imageFeatures?: readonly Floats<'m d'>[]
  /** Ends the work early with `request.cancelled`. */
  readonly signal?: AbortSignal
}

/** What {@link pictureFeatures} needs of a model. */
export interface PictureModel {
  readonly config: Gemma3Config
  getImageFeatures(pixels: Pixels, options?: { signal?: AbortSignal }): Promise<Floats<'n m d'>>
}

/**
 * Features of each picture of a request. Whether there are as many as places is known before any is looked at.
 *
 * @param places - how many there are for pictures
 * @returns `[m·d]` each
 * @throws AppError `image.count_mismatch`; `tensor.invalid` when pixels are not whole pictures, or features come as well
 */
export async function pictureFeatures(
  model: PictureModel,
  { pixelValues, imageFeatures, signal }: Pictures,
  places: number,
): Promise<readonly Floats<'m d'>[]> {
  if (pixelValues === undefined) return imageFeatures ?? []
  if (imageFeatures !== undefined) {
    throw new AppError('tensor.invalid', 'pictures: expected pixel values or image features, found both.')
  }
  const { vision, tokensPerImage, text } = model.config
  if (vision !== undefined) checkImageCount(countPictures(pixelValues, vision), places, 'pixels')
  const all = await model.getImageFeatures(pixelValues, signal === undefined ? {} : { signal })
  const size = tokensPerImage * text.hiddenSize
  return Array.from({ length: places }, (_, n) => all.subarray(n * size, (n + 1) * size))
}
