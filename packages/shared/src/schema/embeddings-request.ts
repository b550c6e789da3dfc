import { z } from 'zod'
import { boundedList } from '../bounded-list.ts'
import { AppError } from '../errors/index.ts'
import type { ImageReference } from './conversation.ts'
import { unknownFields } from './ignored-fields.ts'
import { issueError } from './issue-error.ts'

/** More pictures than are ever taken; the server has its own limit. */
const MOST_PICTURES = 256

const picture = z.string().min(1)

/**
 * The body of `POST /v1/embeddings`: pictures by their `data:` URIs or addresses, where OpenAI has texts.
 *
 * @see https://platform.openai.com/docs/api-reference/embeddings/create
 */
export const embeddingsRequest = z.looseObject({
  model: z.string().min(1).max(256),
  input: z.union([picture, boundedList(picture, [1, MOST_PICTURES])]),
  /** The npm package `openai` asks for `base64`, and decodes it. */
  encoding_format: z.enum(['float', 'base64']).nullish(),
  user: z.string().max(512).nullish(),
})

/** A request for embeddings after the schema. */
export interface EmbeddingsRequest {
  /** The name that the client asked for. */
  readonly model: string
  /** In their order, not yet looked at. */
  readonly pictures: readonly ImageReference[]
  /** How each embedding is written. */
  readonly encoding: 'float' | 'base64'
  /** JSON paths of fields that were accepted and have no effect. */
  readonly ignored: readonly string[]
}

/**
 * Reads the body of `POST /v1/embeddings`.
 *
 * @param body - parsed JSON
 * @throws AppError `request.invalid`; `request.unsupported` for a text, token ids, or fewer dimensions
 */
export function readEmbeddingsRequest(body: unknown): EmbeddingsRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new AppError('request.invalid', 'Expected a JSON object as the body.')
  }
  const fields = body as Readonly<Record<string, unknown>> // an object, not an array: looked at above
  refuseOthers(fields)
  const result = embeddingsRequest.safeParse(fields)
  if (!result.success) throw issueError(result.error)
  const { model, input, encoding_format: encoding } = result.data
  const addresses = typeof input === 'string' ? [input] : input
  const paramOf = (index: number) => (typeof input === 'string' ? 'input' : `input[${index}]`)
  const known = (name: string) => name in embeddingsRequest.shape || name === 'dimensions'
  return {
    model,
    // One tile: a crop would count for as much as the whole.
    pictures: addresses.map((address, at) => ({ type: 'image', address, detail: 'low', param: paramOf(at) })),
    encoding: encoding ?? 'float',
    ignored: unknownFields(fields, known),
  }
}

function refuseOthers({ input, dimensions }: Readonly<Record<string, unknown>>): void {
  if (dimensions !== undefined && dimensions !== null) {
    throw refusal('dimensions', '"dimensions" is not offered: the features are as wide as the model.')
  }
  const all: readonly unknown[] = Array.isArray(input) ? input : [input]
  const wrong = all.findIndex((one) => isTokens(one) || (typeof one === 'string' && !isAddress(one)))
  if (wrong < 0) return
  const detail =
    'Texts have no embeddings here: the model was made to write, and what it makes of a text does not compare to a picture. ' +
    'Expected pictures as data: URIs or addresses.'
  throw refusal(Array.isArray(input) ? `input[${wrong}]` : 'input', detail)
}

function isTokens(value: unknown): boolean {
  return typeof value === 'number' || (Array.isArray(value) && value.every((id) => typeof id === 'number'))
}

/** An empty text is left to the schema. */
function isAddress(text: string): boolean {
  return text === '' || /^\s*(data:|https?:)/i.test(text)
}

function refusal(param: string, detail: string): AppError {
  return new AppError('request.unsupported', detail, { param })
}
