import { AppError } from '@loupe/shared/errors'
import type { Gemma3Config } from '../gemma3/config.ts'

/** Where the image tokens of some ids stand. */
export interface ImagePlaces {
  /** Index of every image token, in order. */
  readonly rows: number[]
  /** How many pictures they stand for. */
  readonly images: number
}

/**
 * Checks that every id is a row of the embedding table, or the image token (which some tables leave out).
 *
 * @throws AppError `prompt.invalid_token` naming the first one that is not
 */
export function checkTokenIds(ids: ArrayLike<number>, { text, imageTokenId }: Gemma3Config): void {
  for (let index = 0; index < ids.length; index++) {
    const id = ids[index] ?? -1
    if ((id >= 0 && id < text.vocabSize) || id === imageTokenId) continue
    throw new AppError('prompt.invalid_token', `Token ${index}: expected an id below ${text.vocabSize}, found ${id}.`)
  }
}

/**
 * Finds the image places and checks that each run of them holds whole pictures: a query inside a picture sees all of
 * it, so a picture cannot be fed in parts.
 *
 * @throws AppError `image.count_mismatch` when a run is not a multiple of the tokens of a picture
 */
export function findImagePlaces(ids: ArrayLike<number>, { imageTokenId, tokensPerImage }: Gemma3Config): ImagePlaces {
  const rows: number[] = []
  let run = 0
  for (let index = 0; index <= ids.length; index++) {
    if (index < ids.length && ids[index] === imageTokenId) {
      rows.push(index)
      run++
      continue
    }
    if (run > 0 && run % tokensPerImage !== 0) {
      const expected = `expected whole images of ${tokensPerImage} tokens`
      throw new AppError('image.count_mismatch', `${expected} before token ${index}, found a run of ${run}.`)
    }
    run = 0
  }
  return { rows, images: tokensPerImage === 0 ? 0 : rows.length / tokensPerImage }
}

/**
 * Puts the features of some pictures one after the other.
 *
 * @param features - `[m·d]` of each picture
 * @throws AppError `image.count_mismatch` when there are more or fewer pictures than places
 * @throws AppError `tensor.invalid` when one has another size
 */
export function joinFeatures(
  features: readonly Float32Array[],
  places: ImagePlaces,
  config: Gemma3Config,
): Float32Array {
  if (features.length !== places.images) {
    const found = `found features of ${features.length}`
    throw new AppError('image.count_mismatch', `Expected ${places.images} images for the places in the ids, ${found}.`)
  }
  const size = config.tokensPerImage * config.text.hiddenSize
  const joined = new Float32Array(size * features.length)
  for (const [index, feature] of features.entries()) {
    if (feature.length !== size) {
      const expected = `expected ${config.tokensPerImage} × ${config.text.hiddenSize} numbers`
      throw new AppError('tensor.invalid', `Features of image ${index}: ${expected}, found ${feature.length}.`)
    }
    joined.set(feature, index * size)
  }
  return joined
}
