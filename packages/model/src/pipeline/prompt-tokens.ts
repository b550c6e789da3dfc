import { AppError } from '@loupe/shared/errors'
import type { Gemma3Config } from '../gemma3/config.ts'

/**
 * Most tokens of one run, unless the caller says otherwise. Attention writes out n · t · c scores for c slots of cache:
 * 4,096 tokens at once on 16,384 slots take 1 GB for 4 heads, parts of 512 an eighth of it. It is also how long a
 * cancelled prompt may go on.
 */
export const PART_TOKENS = 512

/** Where the image tokens of some ids stand. */
export interface ImagePlaces {
  /** Index of every image token, in order. */
  rows: number[]
  /** How many pictures they stand for. */
  images: number
}

/**
 * Checks that every id is a row of the embedding table, or the image token (which some tables leave out).
 *
 * @throws AppError `prompt.invalid_token` naming the first one that is not
 */
export function checkTokenIds(ids: ArrayLike<number>, { text, vision, imageTokenId }: Gemma3Config): void {
  for (let index = 0; index < ids.length; index++) {
    const id = ids[index] ?? -1
    if ((id >= 0 && id < text.vocabSize) || (vision !== undefined && id === imageTokenId)) continue
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
      const expected = `Expected whole images of ${tokensPerImage} tokens`
      throw new AppError('image.count_mismatch', `${expected} before token ${index}, found a run of ${run}.`)
    }
    run = 0
  }
  return { rows, images: tokensPerImage === 0 ? 0 : rows.length / tokensPerImage }
}

/** @throws AppError `image.count_mismatch` when there are more or fewer pictures than places */
export function checkImageCount(found: number, images: number, source: 'features' | 'pixels' = 'features'): void {
  if (found === images) return
  const expected = `Expected ${images} images for the places in the ids`
  throw new AppError('image.count_mismatch', `${expected}, found ${source} of ${found}.`)
}

/**
 * Puts the features of some pictures one after the other.
 *
 * @param features - `[m·d]` of each picture
 * @param images - how many there must be
 * @throws AppError `image.count_mismatch` when there are more or fewer pictures than places
 * @throws AppError `tensor.invalid` when one has another size
 */
export function joinFeatures(features: readonly Float32Array[], images: number, config: Gemma3Config): Float32Array {
  checkImageCount(features.length, images)
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

/** What the first layer reads at places that do not get the embedding of their id. */
export interface GivenStates {
  /** `[m]` which of the tokens; rising */
  readonly rows: readonly number[]
  /** `[m·d]` */
  readonly states: Float32Array
}

/** A stretch of a prompt that goes through the model in one step. */
export interface PromptPart {
  /** `[t]` */
  readonly ids: Int32Array
  /** The image places among them, with their features. */
  readonly given: GivenStates
}

/**
 * Cuts a prompt into parts of at most `mostTokens` without taking an image apart; one that is longer goes as a whole.
 *
 * @param imageFeatures - `[m·d]` of all image places of `ids`
 */
export function splitPrompt(
  ids: Int32Array,
  imageFeatures: Float32Array,
  { text, imageTokenId }: Gemma3Config,
  mostTokens: number,
): PromptPart[] {
  let [start, usedRows] = [0, 0]
  return partEnds(ids, imageTokenId, mostTokens).map((end) => {
    const part = ids.subarray(start, end)
    const imageRows = [...part.keys()].filter((index) => part[index] === imageTokenId)
    const features = imageFeatures.subarray(usedRows * text.hiddenSize, (usedRows + imageRows.length) * text.hiddenSize)
    start = end
    usedRows += imageRows.length
    return { ids: part, given: { rows: imageRows, states: features } }
  })
}

/**
 * Where to cut ids into parts of at most `mostTokens`. A cut is legal unless there is an image token on both sides of it,
 * so that a picture which is longer makes a part that is longer.
 *
 * @param ids - `[t]`, at least one
 * @returns the end of each part, the last one being t
 */
export function partEnds(ids: ArrayLike<number>, imageTokenId: number, mostTokens: number): number[] {
  const ends: number[] = []
  let [start, lastLegal] = [0, 0]
  for (let end = 1; end <= ids.length; end++) {
    if (ids[end - 1] === imageTokenId && ids[end] === imageTokenId) continue
    if (end - start > mostTokens && lastLegal > start) {
      ends.push(lastLegal)
      start = lastLegal
    }
    lastLegal = end
  }
  return [...ends, ids.length]
}
