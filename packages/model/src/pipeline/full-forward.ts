import { AppError } from '@loupe/shared/errors'
import type { Gemma3Config } from '../gemma3/config.ts'
import { HIDDEN_BLOCK, imageBlocks } from '../gemma3/mask.ts'
import type { Stage } from '../gemma3/stage.ts'
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
  /** Features of every picture, `[m·d]` each: row by row, left to right. Only the first stage reads them. */
  readonly imageFeatures?: readonly Float32Array[]
  /** `[b·t]`, shifted by the caller; -100 asks for no loss. Only the last stage reads them. */
  readonly labels?: ArrayLike<number>
  /** `[b·t]`, factor of each token's loss */
  readonly lossMask?: ArrayLike<number>
  /** Also return the residual stream before every layer, and behind the final norm. */
  readonly hiddenStates?: boolean
  readonly signal?: AbortSignal
}

/** What {@link fullForward} returns. Rows of padding are undefined. */
export interface ForwardResult {
  /** `[b·t·v]`; empty on a stage that is not the last */
  readonly logits: Float32Array
  /** `[b·t·d]` for the next stage; empty on the last one */
  readonly hidden: Float32Array
  /** `[b·t]`; `undefined` when no labels were given, and on a stage that is not the last */
  readonly tokenLoss: Float32Array | undefined
  /** `[b·t·d]` each: what every layer of the stage reads, and of the last the final norm. Empty unless asked for. */
  readonly hiddenStates: readonly Float32Array[]
}

/**
 * Runs whole sequences through the language model, or through a stage of it, at once.
 *
 * @param hiddenIn - `[b·t·d]` of the stage before
 * @throws AppError `tensor.invalid` when sizes do not fit; `prompt.invalid_token`, `image.count_mismatch`
 */
export async function fullForward(
  model: LanguageModel,
  config: Gemma3Config,
  request: ForwardRequest,
  hiddenIn?: Float32Array,
): Promise<ForwardResult> {
  const { rows, hiddenStates = false, signal } = request
  const { stage } = model
  const step = wholeStep(config, stage, request, hiddenIn)
  using cache = model.allocateCache(rows, step.tokenIds.length / rows)
  using binding = await model.bind(cache, { hiddenStates })
  using _inputs = model.bindStep(binding, step)
  const result = stage.postProcess ? 'logits' : 'hidden_out'
  const names = hiddenStates ? stateNames(stage) : []
  for (const name of [result, ...names]) binding.outputOnHost(name)
  await binding.run(signal === undefined ? {} : { signal })
  const out = floats(binding, result)
  const states = names.map((name) => floats(binding, name))
  const none = new Float32Array()
  if (!stage.postProcess) return { logits: none, hidden: out, tokenLoss: undefined, hiddenStates: states }
  const { labels, lossMask } = request
  const loss = labels === undefined ? undefined : tokenLoss(out, { labels, lossMask })
  return { logits: out, hidden: none, tokenLoss: loss, hiddenStates: states }
}

/** One before every layer, and on the last stage one behind the final norm. */
function stateNames({ firstLayer, endLayer, postProcess }: Stage): string[] {
  const count = endLayer - firstLayer + (postProcess ? 1 : 0)
  return Array.from({ length: count }, (_, index) => `hidden_states.${firstLayer + index}`)
}

/** Everything in one step on an empty cache. Padding keeps its slots, hidden; it does not count as a position. */
function wholeStep(config: Gemma3Config, stage: Stage, request: ForwardRequest, hiddenIn?: Float32Array): Step {
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
    imageFeatures: stage.preProcess ? joinFeatures(imageFeatures, places.images, config) : new Float32Array(),
    ...(stage.preProcess ? {} : { hiddenIn: checkedHidden(hiddenIn, [rows, tokens, config.text.hiddenSize]) }),
    logitRows: Array.from(inputIds, (_, index) => index),
  }
}

/** @throws AppError `tensor.invalid` when a stage that needs hidden states got none, or of another size */
function checkedHidden(hidden: Float32Array | undefined, shape: readonly [number, number, number]): Float32Array {
  const [rows, tokens, width] = shape
  if (hidden?.length === rows * tokens * width) return hidden
  const found = hidden === undefined ? 'none' : `${hidden.length} numbers`
  throw new AppError('tensor.invalid', `hidden states: expected [${shape.join(', ')}], found ${found}.`)
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
