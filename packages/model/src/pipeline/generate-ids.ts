import { AppError } from '@loupe/shared/errors'
import type { Gemma3Config } from '../gemma3/config.ts'
import type { GenerationConfig } from '../gemma3/generation-config.ts'
import { answerIds } from '../generate/answer-ids.ts'
import { createSampler } from '../generate/sampler.ts'
import type { SamplingParams } from '../generate/sampling-params.ts'
import { createStopCheck, type FinishReason } from '../generate/stop.ts'
import { type PictureModel, type Pictures, pictureFeatures } from './picture-features.ts'
import { findImagePlaces } from './prompt-tokens.ts'
import type { Sequence } from './sequence.ts'

const DEFAULT_MAX_TOKENS = 256

/** A prompt, and how to go on from it. */
export interface GenerateRequest extends Pictures {
  /** `[t]` the prompt, with as many image tokens a picture as it has features. */
  readonly inputIds: Int32Array
  /** Most tokens of the answer; 256 by default, and never more than fit the model. */
  readonly maxTokens?: number
  /** How tokens are chosen. What is left out is as the checkpoint's generation config says; the seed is drawn. */
  readonly sampling?: Partial<SamplingParams>
  /** Further ids that end the answer, besides the model's own. */
  readonly stopTokenIds?: readonly number[]
  /**
   * Ids from here on are never chosen. Embedding tables have more rows than tokenizers have tokens: give the tokenizer's
   * size.
   */
  readonly vocabLimit?: number
}

/** What {@link generateIds} needs of a model. */
interface GeneratingModel extends PictureModel {
  readonly generationConfig: GenerationConfig
  startSequence(options: { readonly capacityTokens: number }): Sequence
}

/**
 * Goes on from a prompt, token by token. Leaving the loop early frees what it holds.
 *
 * @returns ids of the answer, its end token not among them; then why it ended
 * @throws AppError `prompt.too_long` when the prompt leaves no room for an answer; `prompt.invalid_token`,
 *   `image.count_mismatch`, `tensor.invalid`; `request.invalid` for sampling parameters out of range; `request.cancelled`
 */
export async function* generateIds(
  model: GeneratingModel,
  request: GenerateRequest,
): AsyncGenerator<number, FinishReason, void> {
  const { config, generationConfig } = model
  const { inputIds, stopTokenIds = [], signal } = request
  const maxTokens = answerTokens(request, config)
  const ids = answerIds(config, request.vocabLimit)
  using sampler = createSampler(samplingOf(request, generationConfig), { ...ids, promptIds: new Set(inputIds) })
  const stop = createStopCheck({ eosTokenIds: generationConfig.eosTokenIds, stopTokenIds, maxTokens })
  const features = await pictureFeatures(model, request, findImagePlaces(inputIds, config).images)
  const options = signal === undefined ? {} : { signal }
  using sequence = model.startSequence({ capacityTokens: inputIds.length + maxTokens })
  let logits = await sequence.prefill(inputIds, features, options)
  for (let position = 0; ; position++) {
    const { id } = sampler.next(logits, position)
    const { isEmitted, finishReason } = stop(id, position)
    if (isEmitted) yield id
    if (finishReason !== undefined) return finishReason
    sampler.accept(id)
    logits = await sequence.decode(id, options)
  }
}

/** At least one: that there is no room for it is then the sequence's to say. */
function answerTokens({ inputIds, maxTokens = DEFAULT_MAX_TOKENS }: GenerateRequest, { text }: Gemma3Config): number {
  if (!Number.isInteger(maxTokens) || maxTokens < 1) {
    const expected = 'max_tokens: expected a whole number of at least 1'
    throw new AppError('request.invalid', `${expected}, found ${maxTokens}.`, { param: 'max_tokens' })
  }
  return Math.min(maxTokens, Math.max(1, text.contextTokens - inputIds.length))
}

function samplingOf({ sampling = {} }: GenerateRequest, defaults: GenerationConfig): SamplingParams {
  const { doSample, temperature, topK, topP } = defaults
  const seed = Math.floor(Math.random() * 2 ** 32)
  return { temperature: doSample ? temperature : 0, topK, topP, seed, ...sampling }
}
