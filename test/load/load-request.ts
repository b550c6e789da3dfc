import { createHash } from 'node:crypto'
import { type ModelMetadata, PICTURE_BYTES } from '@loupe/shared/wire'
import { createRandom } from '../loupe-tiny/random.ts'

/** A question that many users ask. */
export interface LoadRequest {
  readonly inputIds: Int32Array
  readonly pictures: readonly { readonly digest: string; readonly patches: Uint8Array }[]
  readonly maxTokens: number
  /** Answers asked for. */
  readonly choices: number
}

/** Lengths of the text of prompts: short, ordinary, and so long that they take several chunks. */
const TEXT_TOKENS = [6, 30, 90, 350, 1100]
const PICTURES = 4

/** Different questions of all kinds: short and long, with none to two pictures, for one answer or more. */
export function loadRequest(model: ModelMetadata['parameters'], index: number): LoadRequest {
  const random = createRandom(index)
  const pictures = Array.from({ length: index % 3 }, (_, nth) => noisePicture((index + nth) % PICTURES))
  const image = Array<number>(model.tokens_per_image).fill(model.image_token_id)
  const places = pictures.flatMap(() => [model.boi_token_id, ...image, model.eoi_token_id])
  const words = Array.from({ length: TEXT_TOKENS[index % TEXT_TOKENS.length] ?? 1 }, () => random.integer(300, 1200))
  return {
    inputIds: Int32Array.of(model.bos_token_id, ...places, ...words),
    pictures,
    maxTokens: random.integer(4, 40),
    choices: index % 4 === 3 ? 3 : 1,
  }
}

const drawn = new Map<number, LoadRequest['pictures'][number]>()

function noisePicture(seed: number): LoadRequest['pictures'][number] {
  const known = drawn.get(seed)
  if (known !== undefined) return known
  const random = createRandom(1000 + seed)
  const row = Uint8Array.from({ length: 4096 }, () => random.integer(0, 255))
  const patches = new Uint8Array(PICTURE_BYTES).map((_, at) => row[at % row.length] ?? 0)
  const picture = { patches, digest: createHash('sha256').update(patches).digest('hex') }
  drawn.set(seed, picture)
  return picture
}
