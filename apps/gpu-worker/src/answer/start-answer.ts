import type { Sampler, StopRule } from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import type { GenerateEvent, GenerateParameters, GenerateRequest, ModelMetadata } from '@loupe/shared/wire'
import type { JobObserver } from '../engine/engine.ts'
import type { Log } from '../log.ts'
import type { ServedModel } from '../served-model.ts'
import { answerEvents } from './answer-events.ts'
import { observeAnswer } from './answer-observer.ts'
import { cacheScope, NO_TENANT } from './cache-scope.ts'
import { checkPrompt } from './check-prompt.ts'
import { createSamplers } from './create-samplers.ts'

/** What an answer needs besides the request. */
export interface AnswerContext {
  readonly requestId: string
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal
  readonly log: Log
  readonly now: () => number
}

/**
 * Checks a request, takes hold of its pictures, compiles its grammar and admits it to the engine.
 *
 * @returns the events of the answer as the protocol has them
 * @throws AppError for everything that can be known before the work starts: see `checkPrompt`, `ImageStore.claim` and
 *   `createSamplers`, and `queue.full`
 */
export async function startAnswer(
  served: ServedModel,
  request: GenerateRequest,
  context: AnswerContext,
): Promise<AsyncIterable<GenerateEvent>> {
  try {
    return await admit(served, request, context)
  } catch (error) {
    served.metrics.refusals.add(1, { code: AppError.from(error).code })
    throw error
  }
}

async function admit(
  served: ServedModel,
  request: GenerateRequest,
  context: AnswerContext,
): Promise<AsyncIterable<GenerateEvent>> {
  const { parameters } = request
  const model = served.metadata.parameters
  const needs = checkPrompt(model, request)
  const tenant = parameters.tenant ?? NO_TENANT
  const scope = cacheScope(parameters)
  const images = served.images.claim(scope, request.imageDigests, request.patches)
  const facts = {
    requestId: context.requestId,
    promptTokens: request.inputIds.length,
    images: request.imageDigests.length,
    imagesCached: images.cached,
  }
  const held: Disposable[] = [images]
  const startedMs = context.now()
  try {
    const samplers = await createSamplers(served, request, context.signal)
    held.push(...samplers)
    const job = {
      tenant,
      cacheScope: scope,
      priority: parameters.priority ?? 0,
      timeoutMs: timeLeft(parameters.timeout_ms, context.now() - startedMs),
      inputIds: request.inputIds.slice(), // a view would keep the whole body, pictures included, until the answer ends
      images,
      samplers,
      stop: stopRule(model, parameters, needs.maxTokens),
      observer: releasing(samplers, observeAnswer(facts, { ...context, metrics: served.metrics })),
    }
    const events = served.engine.generate(job, context.signal)
    const known = {
      prompt_tokens: facts.promptTokens,
      image_tokens: needs.imageTokens,
      images_cached: facts.imagesCached,
    }
    return answerEvents(events, known, samplers.length)
  } catch (error) {
    for (const each of held) each[Symbol.dispose]() // refused: the engine did not take them over
    throw error
  }
}

/** The same observer; samplers hold grammars, which are let go of when the job has ended. */
function releasing(samplers: readonly Sampler[], observer: JobObserver): JobObserver {
  return {
    event: observer.event,
    settled(error) {
      for (const sampler of samplers) sampler[Symbol.dispose]()
      observer.settled(error)
    },
  }
}

/** A grammar may have taken some of it. */
function timeLeft(timeoutMs: number | undefined, elapsedMs: number): number | undefined {
  return timeoutMs === undefined ? undefined : Math.max(0, timeoutMs - elapsedMs)
}

function stopRule(model: ModelMetadata['parameters'], asked: GenerateParameters, maxTokens: number): StopRule {
  return {
    eosTokenIds: model.eos_token_ids,
    stopTokenIds: asked.stop_token_ids ?? [],
    ignoreEos: asked.ignore_eos === true,
    maxTokens,
  }
}
