import { AppError } from '@loupe/shared/errors'
import type { Gemma3Config } from '../gemma3/config.ts'
import { HIDDEN_BLOCK, imageBlocks } from '../gemma3/mask.ts'
import type { ForwardRequest } from './forward-request.ts'
import { checkTokenIds, findImagePlaces } from './prompt-tokens.ts'
import { IGNORED_LABEL } from './token-loss.ts'

/** The tokens of a request, checked. */
export interface Batch {
  /** b */
  readonly rows: number
  /** t */
  readonly tokens: number
  /** `[b·t]`; padding where no ids were given */
  readonly tokenIds: Int32Array
  /** `[b·t]` */
  readonly positions: Int32Array
  /** `[b·t]` image block of each token, as {@link imageBlocks}; {@link HIDDEN_BLOCK} for padding */
  readonly blocks: Int32Array
  /** `[m]` which of the b·t tokens are image places; rising */
  readonly imageRows: readonly number[]
  /** How many pictures there are places for. */
  readonly images: number
}

/**
 * Reads everything of a request but the numbers of pictures, embeddings and hidden states.
 *
 * @throws AppError `tensor.invalid` when sizes do not fit each other; `prompt.invalid_token`, `image.count_mismatch`
 */
export function readBatch(request: ForwardRequest, config: Gemma3Config): Batch {
  const { inputIds, attentionMask, positionIds } = request
  const [rows, tokens] = batchSize(request, config.text.hiddenSize)
  checkNumbers(request, config, rows * tokens)
  const tokenIds = inputIds ?? new Int32Array(rows * tokens).fill(config.padTokenId)
  const isPadding = (token: number) => attentionMask?.[token] === 0
  const { blocks, imageRows, images } = findImages(inputIds, [rows, tokens], config)
  return {
    rows,
    tokens,
    tokenIds,
    positions: positionIds === undefined ? countedPositions(rows, tokens, isPadding) : Int32Array.from(positionIds),
    blocks: blocks.map((block, token) => (isPadding(token) ? HIDDEN_BLOCK : block)),
    imageRows,
    images,
  }
}

/** @returns b and t */
function batchSize({ rows = 1, inputIds, inputsEmbeds }: ForwardRequest, hiddenSize: number): [number, number] {
  if (inputIds === undefined && inputsEmbeds === undefined) {
    throw new AppError('tensor.invalid', 'input_ids: expected ids, or inputs_embeds in their place, found neither.')
  }
  const count = inputIds?.length ?? Number(inputsEmbeds?.length) / hiddenSize
  const tokens = count / rows
  if (!Number.isInteger(tokens) || !Number.isInteger(rows) || tokens < 1) {
    throw invalid('input_ids', `${rows} rows of equal length`, `${count} tokens`)
  }
  if (inputsEmbeds !== undefined && inputsEmbeds.length !== count * hiddenSize) {
    throw invalid('inputs_embeds', `[${rows}, ${tokens}, ${hiddenSize}]`, `${inputsEmbeds.length} numbers`)
  }
  return [rows, tokens]
}

function checkNumbers(request: ForwardRequest, { text }: Gemma3Config, count: number): void {
  const { attentionMask, positionIds, labels, lossMask } = request
  const data = { attention_mask: attentionMask, position_ids: positionIds, labels, loss_mask: lossMask }
  for (const [name, numbers] of Object.entries(data)) {
    if (numbers !== undefined && numbers.length !== count) throw invalid(name, `${count} numbers`, `${numbers.length}`)
  }
  const { partTokens = 1 } = request
  if (!Number.isInteger(partTokens) || partTokens < 1) {
    throw invalid('part_tokens', 'a whole number of at least 1', `${partTokens}`)
  }
  const isBelow = (value: number, end: number) => Number.isInteger(value) && value >= 0 && value < end
  for (const [token, position] of Array.from(positionIds ?? []).entries()) {
    if (isBelow(position, text.contextTokens)) continue
    throw invalid('position_ids', `a place below ${text.contextTokens} for token ${token}`, `${position}`)
  }
  for (const [token, label] of Array.from(labels ?? []).entries()) {
    if (label === IGNORED_LABEL || isBelow(label, text.vocabSize)) continue
    throw invalid('labels', `${IGNORED_LABEL} or an id below ${text.vocabSize} for token ${token}`, `${label}`)
  }
}

/** Row by row: a picture does not go on in the next row. */
function findImages(
  ids: Int32Array | undefined,
  [rows, tokens]: readonly [number, number],
  config: Gemma3Config,
): Pick<Batch, 'blocks' | 'imageRows' | 'images'> {
  const blocks = new Int32Array(rows * tokens)
  const imageRows: number[] = []
  let images = 0
  if (ids === undefined) return { blocks, imageRows, images }
  checkTokenIds(ids, config)
  for (let start = 0; start < ids.length; start += tokens) {
    const own = ids.subarray(start, start + tokens)
    const places = findImagePlaces(own, config)
    for (const index of places.rows) imageRows.push(start + index)
    images += places.images
    blocks.set(imageBlocks(own, config.imageTokenId), start)
  }
  return { blocks, imageRows, images }
}

/** From 0 in each row. Padding keeps its slot in the cache, and does not count as a place. */
function countedPositions(rows: number, tokens: number, isPadding: (token: number) => boolean): Int32Array {
  const positions = new Int32Array(rows * tokens)
  let position = 0
  for (let token = 0; token < positions.length; token++) {
    if (token % tokens === 0) position = 0
    if (!isPadding(token)) positions[token] = position++
  }
  return positions
}

function invalid(name: string, expected: string, found: string): AppError {
  return new AppError('tensor.invalid', `${name}: expected ${expected}, found ${found}.`)
}
