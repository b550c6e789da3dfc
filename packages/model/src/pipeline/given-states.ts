import { AppError } from '@loupe/shared/errors'
import type { Gemma3Config } from '../gemma3/config.ts'
import type { Batch } from './batch.ts'
import type { ForwardRequest } from './forward-request.ts'
import { type GivenStates, joinFeatures } from './prompt-tokens.ts'

/**
 * Image features at their places, or embeddings at all places with image features among them.
 *
 * @param imageFeatures - `[m·d]` of each picture
 * @throws AppError `image.count_mismatch` when there are more or fewer pictures than places; `tensor.invalid` when
 *   features of a picture have another size
 */
export function givenStates(
  { inputsEmbeds }: ForwardRequest,
  imageFeatures: readonly Float32Array[],
  batch: Batch,
  config: Gemma3Config,
): GivenStates {
  if (inputsEmbeds === undefined) {
    return { rows: batch.imageRows, states: joinFeatures(imageFeatures, batch.images, config) }
  }
  const { hiddenSize } = config.text
  const rows = Array.from({ length: batch.tokenIds.length }, (_, row) => row)
  // Whoever made the embeddings may have put the features in already.
  if (imageFeatures.length === 0) return { rows, states: inputsEmbeds }
  const features = joinFeatures(imageFeatures, batch.images, config)
  const states = inputsEmbeds.slice()
  for (const [place, row] of batch.imageRows.entries()) {
    states.set(features.subarray(place * hiddenSize, (place + 1) * hiddenSize), row * hiddenSize)
  }
  return { rows, states }
}

/**
 * Checks what the stage before handed over.
 *
 * @throws AppError `tensor.invalid` when it is nothing, or of another size
 */
export function checkedHidden(hidden: Float32Array | undefined, batch: Batch, config: Gemma3Config): Float32Array {
  const shape = [batch.rows, batch.tokens, config.text.hiddenSize]
  if (hidden?.length === shape.reduce((product, size) => product * size)) return hidden
  const found = hidden === undefined ? 'none' : `${hidden.length} numbers`
  throw new AppError('tensor.invalid', `hidden states: expected [${shape.join(', ')}], found ${found}.`)
}
