import { mayCall, toolGrammar } from '@loupe/shared/chat'
import { AppError } from '@loupe/shared/errors'
import type { AnswerOptions, ChatRequest, ServiceTier } from '@loupe/shared/schema'
import type { GenerateParameters, ModelMetadata } from '@loupe/shared/wire'
import type { Services } from '../edge-env.ts'
import type { PreparedPicture } from '../images/prepare-images.ts'
import type { AnswerLedger } from '../keys/answer-ledger.ts'
import { meteredAnswer } from '../keys/metered-answer.ts'
import type { ServedModel } from '../worker/model-catalog.ts'
import { generateWithImages } from '../worker/offer-images.ts'
import type { WorkerClient } from '../worker/worker-client.ts'
import { fingerprint } from './fingerprint.ts'
import { type AnswerEvent, readAnswer } from './read-answer.ts'
import { requestPictures } from './request-pictures.ts'
import { withModel } from './with-model.ts'
import { writePrompt } from './write-prompt.ts'

/** An answer that the worker has admitted. */
export interface RunningAnswer {
  readonly model: string
  readonly promptTokens: number
  /** Prompt tokens that stand for pictures. */
  readonly imageTokens: number
  /** How many answers there are to the one prompt. */
  readonly choices: number
  /** Whether it was asked how likely the tokens were. */
  readonly tellsLogprobs: boolean
  /** Changes when what is served under the model's name does. */
  readonly fingerprint: string
  /** Which tier answers, if the request asked for one. */
  readonly serviceTier?: ServiceTier
  readonly events: AsyncGenerator<AnswerEvent, void>
}

/** Whose request it is, and how it is called in logs. */
export interface RequestIdentity {
  readonly tenant: string
  readonly requestId: string
}

/**
 * Takes a chat request to the worker: pictures to patches, messages to token ids, and everything that can be refused
 * refused before the worker is asked to compute.
 *
 * @throws AppError for every fault that a status can still tell
 */
export async function startAnswer(
  request: ChatRequest,
  { services, identity }: { readonly services: Services; readonly identity: RequestIdentity },
  signal: AbortSignal,
): Promise<RunningAnswer> {
  const { tenant } = identity
  const pictures = requestPictures(request, { tenant, signal }, services.prepareImages)
  return withModel(request.model, services.models, signal, async (model) => {
    const { worker, ledger } = services
    const prepared = await pictures(model)
    const crops = prepared.map((tiles) => tiles.length - 1)
    const { ids } = writePrompt(model, request, crops)
    return admitAnswer(model, { request, identity, pictures: prepared, ids, worker, ledger }, signal)
  })
}

/** A request whose prompt and pictures are there. */
interface PreparedRequest {
  /** How to answer; its messages are in the ids. */
  readonly request: ChatRequest
  readonly identity: RequestIdentity
  readonly pictures: readonly PreparedPicture[]
  /** `[t]` the prompt. */
  readonly ids: Int32Array
  readonly worker: WorkerClient
  readonly ledger: AnswerLedger | undefined
}

/**
 * Takes a prompt to the worker.
 *
 * @throws AppError what the worker reports; `prompt.too_long` when prompt and answer do not fit the context together
 */
export async function admitAnswer(
  { metadata, tokenizer }: ServedModel,
  { request, identity, pictures, ids, worker, ledger }: PreparedRequest,
  signal: AbortSignal,
): Promise<RunningAnswer> {
  const { answer, tools } = request
  const calls = mayCall(tools)
  const images = pictures.flat()
  const parameters = {
    ...generateParametersOf(answer, metadata, ids.length),
    ...(calls ? { grammar: toolGrammar(tools, answer.structure) } : {}),
    ...(request.priority === undefined ? {} : { priority: request.priority }),
    ...(request.cacheSalt === undefined ? {} : { cache_salt: request.cacheSalt }),
    tokenizer_digest: metadata.parameters.tokenizer_digest,
    tenant: identity.tenant,
    request_id: identity.requestId,
  }
  const body = { id: identity.requestId, inputIds: ids, parameters }
  const tokens = { promptTokens: ids.length, answerTokens: (parameters.max_tokens ?? 0) * answer.choices }
  const events = await meteredAnswer({ ledger, ...tokens, signal }, async () => {
    const admitted = generateWithImages(worker, metadata.name, body, images, signal)
    const made = await admitted.catch((error: unknown) => {
      throw blameGrammar(error, calls ? 'tools' : answer.structure?.param)
    })
    return readAnswer(made, { ...answer, tokenizer, functions: calls ? tools.functions.map(({ name }) => name) : [] })
  })
  return {
    model: metadata.name,
    promptTokens: ids.length,
    imageTokens: images.length * metadata.parameters.tokens_per_image,
    choices: answer.choices,
    tellsLogprobs: answer.topLogprobs !== undefined,
    fingerprint: await fingerprint(metadata),
    ...(request.serviceTier === undefined ? {} : { serviceTier: request.serviceTier }),
    events,
  }
}

/** The worker knows what is wrong with a grammar, and not which field of the request it came from. */
function blameGrammar(error: unknown, param: string | undefined): unknown {
  const isOurs = AppError.isInstance(error) && error.code.startsWith('grammar.') && param !== undefined
  return isOurs ? error.at(param) : error
}

/** @throws AppError `prompt.too_long` when prompt and answer do not fit the context together */
function generateParametersOf(
  answer: AnswerOptions,
  metadata: ModelMetadata,
  promptTokens: number,
): GenerateParameters {
  const { context_length: context, generation_defaults: defaults } = metadata.parameters
  const room = context - promptTokens
  const wanted = answer.maxTokens ?? 1
  if (room < wanted) {
    const detail = `The context holds ${context} tokens; found ${promptTokens} in the messages and ${wanted} for the answer.`
    throw new AppError('prompt.too_long', detail, { param: 'messages' })
  }
  return {
    max_tokens: answer.maxTokens ?? Math.min(defaults.max_tokens, room),
    temperature: answer.temperature,
    top_k: answer.topK,
    top_p: answer.topP,
    min_p: answer.minP,
    repetition_penalty: answer.repetitionPenalty,
    presence_penalty: answer.presencePenalty,
    frequency_penalty: answer.frequencyPenalty,
    logit_bias: answer.logitBias,
    seed: answer.seed,
    grammar: answer.structure?.grammar,
    ...(answer.choices === 1 ? {} : { n: answer.choices }),
    ...(answer.topLogprobs === undefined ? {} : { logprobs: true, top_logprobs: answer.topLogprobs }),
    ...(answer.stopTokenIds.length === 0 ? {} : { stop_token_ids: [...answer.stopTokenIds] }),
    ...(answer.ignoreEos ? { ignore_eos: true } : {}),
    ...(answer.minTokens === 0 ? {} : { min_tokens: answer.minTokens }),
  }
}
