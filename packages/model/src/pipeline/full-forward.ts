import { AppError } from '@loupe/shared/errors'
import type { Gemma3Config } from '../gemma3/config.ts'
import { HIDDEN_BLOCK, imageBlocks } from '../gemma3/mask.ts'
import type { RuntimeBinding } from '../graph/runtime.ts'
import type { LanguageModel, Step } from './language-model.ts'
import { checkTokenIds, findImagePlaces, type ImagePlaces, joinFeatures } from './prompt-tokens.ts'
import { tokenLoss } from './token-loss.ts'

/** A batch of whole sequences. */
export interface ForwardRequest {
  /** b */
  readonly rows: number
  /** `[b·t]` */
  readonly inputIds: Int32Array
  /** `[b·t]`, 0 for padding on either side; all 1 by default */
  readonly attentionMask?: ArrayLike<number>
  /** Features of every picture, `[m·d]` each: row by row, left to right. */
  readonly imageFeatures?: readonly Float32Array[]
  /** `[b·t]`, shifted by the caller; -100 asks for no loss. */
  readonly labels?: ArrayLike<number>
  /** `[b·t]`, factor of each token's loss */
  readonly lossMask?: ArrayLike<number>
  /** Also return the residual stream after every layer. */
  readonly hiddenStates?: boolean
  readonly signal?: AbortSignal
}

/** What {@link fullForward} returns. Rows of padding are undefined. */
export interface ForwardResult {
  /** `[b·t·v]` */
  readonly logits: Float32Array
  /** `[b·t]`; `undefined` when no labels were given */
  readonly tokenLoss: Float32Array | undefined
  /** `[b·t·d]` each: embeddings, after every layer but the last, after the final norm. Empty unless asked for. */
  readonly hiddenStates: readonly Float32Array[]
}

/**
 * Runs whole sequences through the language model at once.
 *
 * @throws AppError `tensor.invalid` when sizes do not fit; `prompt.invalid_token`, `image.count_mismatch`
 */
export async function fullForward(
  model: LanguageModel,
  config: Gemma3Config,
  request: ForwardRequest,
): Promise<ForwardResult> {
  const { rows, hiddenStates = false, signal } = request
  const step = wholeStep(config, request)
  using cache = model.allocateCache(rows, step.tokenIds.length / rows)
  using binding = await model.bind(cache, { hiddenStates })
  using _inputs = model.bindStep(binding, step)
  const names = hiddenStates ? Array.from({ length: config.text.layers + 1 }, (_, i) => `hidden_states.${i}`) : []
  for (const name of ['logits', ...names]) binding.outputOnHost(name)
  await binding.run(signal === undefined ? {} : { signal })
  const logits = floats(binding, 'logits')
  const { labels, lossMask } = request
  return {
    logits,
    tokenLoss: labels === undefined ? undefined : tokenLoss(logits, { labels, lossMask }),
    hiddenStates: names.map((name) => floats(binding, name)),
  }
}

/** Everything in one step on an empty cache. Padding keeps its slots, hidden; it does not count as a position. */
function wholeStep(config: Gemma3Config, request: ForwardRequest): Step {
  const { rows, inputIds, attentionMask, imageFeatures = [] } = request
  const tokens = checkedTokens(request)
  checkTokenIds(inputIds, config)
  const positions = new Int32Array(inputIds.length)
  const blocks = new Int32Array(inputIds.length)
  const places: ImagePlaces = { rows: [], images: 0 }
  for (let start = 0; start < inputIds.length; start += tokens) {
    const ids = inputIds.subarray(start, start + tokens)
    const own = findImagePlaces(ids, config)
    places.rows.push(...own.rows.map((index) => start + index))
    places.images += own.images
    blocks.set(imageBlocks(ids, config.imageTokenId), start)
    let position = 0
    for (let index = start; index < start + tokens; index++) {
      if (attentionMask === undefined || attentionMask[index]) positions[index] = position++
      else blocks[index] = HIDDEN_BLOCK
    }
  }
  return {
    rows,
    tokenIds: inputIds,
    positions,
    slots: Int32Array.from(inputIds, (_, index) => index % tokens),
    blocks,
    imageRows: places.rows,
    imageFeatures: joinFeatures(imageFeatures, places.images, config),
    logitRows: Array.from(inputIds, (_, index) => index),
  }
}

function checkedTokens({ rows, inputIds, attentionMask, labels, lossMask }: ForwardRequest): number {
  const tokens = inputIds.length / rows
  if (!Number.isInteger(tokens) || tokens === 0) {
    throw new AppError(
      'tensor.invalid',
      `input_ids: expected ${rows} rows of equal length, found ${inputIds.length} ids.`,
    )
  }
  for (const [name, data] of Object.entries({ attention_mask: attentionMask, labels, loss_mask: lossMask })) {
    if (data === undefined || data.length === inputIds.length) continue
    throw new AppError('tensor.invalid', `${name}: expected ${inputIds.length} numbers, found ${data.length}.`)
  }
  return tokens
}

function floats(binding: RuntimeBinding, name: string): Float32Array {
  const { data } = binding.read(name)
  if (data instanceof Float32Array) return data
  throw new AppError('runtime.failed', `${name}: expected float32 numbers.`)
}
