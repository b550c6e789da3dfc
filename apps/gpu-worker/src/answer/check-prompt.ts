import { AppError } from '@loupe/shared/errors'
import type { GenerateRequest, ModelMetadata } from '@loupe/shared/wire'

/** What a checked prompt needs. */
export interface PromptNeeds {
  /** Tokens that stand for pictures. */
  readonly imageTokens: number
  /** Most tokens of the answer. */
  readonly maxTokens: number
}

/**
 * Checks that ids and pictures of a request fit the model, before anything is started.
 *
 * @throws AppError `tokenizer.mismatch`, `prompt.invalid` when there is no token, `prompt.invalid_token`,
 *   `prompt.too_long`, `image.count_mismatch`
 */
export function checkPrompt(model: ModelMetadata['parameters'], request: GenerateRequest): PromptNeeds {
  const { inputIds, imageDigests, parameters } = request
  checkTokenizer(model.tokenizer_digest, parameters.tokenizer_digest)
  if (inputIds.length === 0) throw new AppError('prompt.invalid', 'input_ids holds no token.', { param: 'input_ids' })
  checkIds(inputIds, model)
  const imageTokens = checkImagePlaces(model, inputIds, imageDigests.length)
  return { imageTokens, maxTokens: answerRoom(model, inputIds.length, parameters.max_tokens) }
}

/** Its client may have asked what is served when another worker listened here. Ids of one mean nothing to the other. */
function checkTokenizer(own: string, asked: string | undefined): void {
  if (asked === undefined || asked === own) return
  const detail = `The ids were made with the tokenizer ${asked}, the model has ${own}.`
  throw new AppError('tokenizer.mismatch', detail, { param: 'parameters.tokenizer_digest' })
}

/** An image token needs no row in the embedding table: features take its place. A text-only model has none, -1. */
function checkIds(inputIds: Int32Array, { vocab_size: size, image_token_id: imageToken }: ModelMetadata['parameters']) {
  const at = inputIds.findIndex((id) => id < 0 || (id >= size && id !== imageToken))
  if (at < 0) return
  const detail = `input_ids[${at}] is ${inputIds[at]}, expected 0 to ${size - 1}.`
  throw new AppError('prompt.invalid_token', detail, { param: 'input_ids' })
}

function checkImagePlaces(model: ModelMetadata['parameters'], inputIds: Int32Array, images: number): number {
  const { image_token_id: imageToken, tokens_per_image: tokensPerImage } = model
  let places = 0
  for (let at = inputIds.indexOf(imageToken); at >= 0; at = inputIds.indexOf(imageToken, at)) {
    const start = at
    while (inputIds[at] === imageToken) at++
    if (at - start !== tokensPerImage) {
      throw mismatch(`expected runs of ${tokensPerImage} image tokens, found ${at - start} at input_ids[${start}].`)
    }
    places++
  }
  if (places !== images) throw mismatch(`${images} images were given, the prompt has places for ${places}.`)
  return places * tokensPerImage
}

function mismatch(detail: string): AppError {
  return new AppError('image.count_mismatch', detail, { param: 'input_ids' })
}

/** What the request asks for, or the model's default as far as the context allows. */
function answerRoom(model: ModelMetadata['parameters'], promptTokens: number, asked: number | undefined): number {
  const room = model.context_length - promptTokens
  const needed = asked ?? 1
  if (needed > room) {
    const found = `the prompt has ${promptTokens} tokens and the answer may have ${needed}`
    const detail = `A sequence holds ${model.context_length} tokens here (--slot-tokens); ${found}.`
    throw new AppError('prompt.too_long', detail, { param: 'input_ids' })
  }
  return asked ?? Math.min(room, model.generation_defaults.max_tokens)
}
