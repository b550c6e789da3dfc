import { randomInt } from 'node:crypto'
import { createSampler, type Sampler, type StopRule } from '@loupe/model'
import type {
  GenerateEvent,
  GenerateParameters,
  GenerateRequest,
  GenerateSummary,
  ModelMetadata,
} from '@loupe/shared/wire'
import type { EngineEvent } from '../engine/engine.ts'
import type { Log } from '../log.ts'
import type { ServedModel } from '../served-model.ts'
import { observeAnswer } from './answer-observer.ts'
import { checkPrompt } from './check-prompt.ts'

/** What an answer needs besides the request. */
export interface AnswerContext {
  readonly requestId: string
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal
  readonly log: Log
  readonly now: () => number
}

/** Requests that name no tenant share one. */
export const NO_TENANT = ''

/**
 * Checks a request, takes hold of its pictures and admits it to the engine.
 *
 * @returns the events of the answer as the protocol has them
 * @throws AppError at once for everything that can be known before the work starts: see `checkPrompt` and
 *   `ImageStore.claim`, and `queue.full`
 */
export function startAnswer(
  served: ServedModel,
  request: GenerateRequest,
  context: AnswerContext,
): AsyncIterable<GenerateEvent> {
  const { parameters } = request
  const model = served.metadata.parameters
  const needs = checkPrompt(model, request)
  const tenant = parameters.tenant ?? NO_TENANT
  const images = served.images.claim(tenant, request.imageDigests, request.patches)
  const facts = {
    requestId: context.requestId,
    promptTokens: request.inputIds.length,
    images: request.imageDigests.length,
    imagesCached: images.cached,
  }
  try {
    const job = {
      tenant,
      priority: parameters.priority ?? 0,
      timeoutMs: parameters.timeout_ms,
      inputIds: request.inputIds.slice(), // a view would keep the whole body, pictures included, until the answer ends
      images,
      samplers: [samplerOf(served, request)],
      stop: stopRule(model, parameters, needs.maxTokens),
      observer: observeAnswer(facts, { ...context, metrics: served.metrics }),
    }
    const events = served.engine.generate(job, context.signal)
    const summary = {
      prompt_tokens: facts.promptTokens,
      image_tokens: needs.imageTokens,
      images_cached: facts.imagesCached,
    }
    return toWire(events, summary, parameters.logprobs === true)
  } catch (error) {
    images[Symbol.dispose]() // refused: the engine did not take it over
    throw error
  }
}

async function* toWire(
  events: AsyncIterable<EngineEvent>,
  known: Pick<GenerateSummary, 'prompt_tokens' | 'image_tokens' | 'images_cached'>,
  wantsLogprobs: boolean,
): AsyncGenerator<GenerateEvent, void> {
  let made = 0
  for await (const event of events) {
    if (event.type === 'token') {
      made++
      yield { type: 'tokens', ids: [event.id], logprobs: wantsLogprobs ? [event.logprob ?? 0] : undefined }
    }
    if (event.type === 'done') {
      const { finishReason, cachedTokens } = event
      const summary = { ...known, finish_reason: finishReason, completion_tokens: made, cached_tokens: cachedTokens }
      yield { type: 'done', summary }
    }
  }
}

function samplerOf({ metadata, samplerOptions }: ServedModel, { parameters: asked }: GenerateRequest): Sampler {
  const defaults = metadata.parameters.generation_defaults
  const params = {
    temperature: asked.temperature ?? defaults.temperature,
    topK: asked.top_k ?? defaults.top_k,
    topP: asked.top_p ?? defaults.top_p,
    seed: asked.seed ?? randomInt(2 ** 47),
  }
  return createSampler(params, { ...samplerOptions, topLogprobs: asked.logprobs === true ? 0 : undefined })
}

function stopRule(model: ModelMetadata['parameters'], asked: GenerateParameters, maxTokens: number): StopRule {
  return {
    eosTokenIds: model.eos_token_ids,
    stopTokenIds: asked.stop_token_ids ?? [],
    ignoreEos: asked.ignore_eos === true,
    maxTokens,
  }
}
