import { buildPrompt, type PromptOptions } from '@loupe/shared/chat'
import { AppError, type ErrorCode } from '@loupe/shared/errors'
import type { AnswerOptions, ChatRequest, ConversationMessage, ImageReference } from '@loupe/shared/schema'
import type { GenerateParameters, ModelMetadata } from '@loupe/shared/wire'
import type { Services } from '../edge-env.ts'
import type { PreparedImage } from '../images/prepare-images.ts'
import type { AnswerLedger } from '../keys/answer-ledger.ts'
import { meteredAnswer } from '../keys/metered-answer.ts'
import { LIMITS } from '../limits.ts'
import type { ServedModel } from '../worker/model-catalog.ts'
import { generateWithImages } from '../worker/offer-images.ts'
import type { WorkerClient } from '../worker/worker-client.ts'
import type { AnswerEvent } from './read-answer.ts'
import { readAnswer } from './read-answer.ts'

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
 * What is known of the model may be of a worker that has been replaced since: a refusal that could come of that is
 * believed only when the worker, asked again, says the same of its model.
 *
 * @throws AppError for every fault that a status can still tell
 */
export async function startAnswer(
  request: ChatRequest,
  { services, identity }: { readonly services: Services; readonly identity: RequestIdentity },
  signal: AbortSignal,
): Promise<RunningAnswer> {
  checkTextLength(request)
  const references = imagesOf(request)
  let prepared: Promise<PreparedImage[]> | undefined
  const putTo = async (model: ServedModel): Promise<RunningAnswer> => {
    checkVision(model.metadata, references)
    prepared ??= services.prepareImages(references, signal)
    const images = await prepared
    const { worker, ledger } = services
    return admitAnswer(model, { request, identity, images, worker, ledger }, signal)
  }
  const model = await services.models.open(request.model, signal)
  try {
    return await putTo(model)
  } catch (error) {
    if (!AppError.isInstance(error) || !MADE_OF_METADATA.has(error.code)) throw error
    services.models.forget(request.model)
    const current = await services.models.open(request.model, signal)
    if (JSON.stringify(current.metadata) === JSON.stringify(model.metadata)) throw error
    return await putTo(current)
  }
}

/** Faults of what is made of the metadata: the name, the ids, the lengths, the places of pictures. */
const MADE_OF_METADATA: ReadonlySet<ErrorCode> = new Set([
  'model.unknown',
  'tokenizer.mismatch',
  'prompt.too_long',
  'image.count_mismatch',
  'request.unsupported',
])

/** A request whose pictures are there. */
interface PreparedRequest {
  readonly request: ChatRequest
  readonly identity: RequestIdentity
  readonly images: readonly PreparedImage[]
  readonly worker: WorkerClient
  readonly ledger: AnswerLedger | undefined
}

async function admitAnswer(
  { metadata, tokenizer }: ServedModel,
  { request, identity, images, worker, ledger }: PreparedRequest,
  signal: AbortSignal,
): Promise<RunningAnswer> {
  const { answer } = request
  const { ids } = buildPrompt(tokenizer, request.messages.map(templateMessage), promptOptionsOf(metadata))
  const parameters = {
    ...generateParametersOf(answer, metadata, ids.length),
    tokenizer_digest: metadata.parameters.tokenizer_digest,
    tenant: identity.tenant,
    request_id: identity.requestId,
  }
  const body = { id: identity.requestId, inputIds: ids, parameters }
  const tokens = { promptTokens: ids.length, answerTokens: (parameters.max_tokens ?? 0) * answer.choices }
  const events = await meteredAnswer({ ledger, ...tokens, signal }, async () => {
    const admitted = generateWithImages(worker, metadata.name, body, images, signal)
    const made = await admitted.catch((error: unknown) => {
      throw blameStructure(error, answer)
    })
    return readAnswer(made, { tokenizer, stop: answer.stop, choices: answer.choices })
  })
  return {
    model: metadata.name,
    promptTokens: ids.length,
    imageTokens: images.length * metadata.parameters.tokens_per_image,
    choices: answer.choices,
    tellsLogprobs: answer.topLogprobs !== undefined,
    events,
  }
}

/** The worker knows what is wrong with a grammar, and not which field of the request it came from. */
function blameStructure(error: unknown, { structure }: AnswerOptions): unknown {
  const isOurs = AppError.isInstance(error) && error.code.startsWith('grammar.') && structure !== undefined
  return isOurs ? error.at(structure.param) : error
}

/** The template takes a system message as one text; clients send it in parts, too. */
function templateMessage({ role, content }: ConversationMessage): ConversationMessage {
  if (role !== 'system' || typeof content === 'string') return { role, content }
  return { role, content: content.map((part) => (part.type === 'text' ? part.text : '')).join('') }
}

function imagesOf({ messages }: ChatRequest): ImageReference[] {
  return messages.flatMap(({ content }) => {
    return typeof content === 'string' ? [] : content.filter((part) => part.type === 'image')
  })
}

function checkTextLength({ messages }: ChatRequest): void {
  const texts = messages.flatMap(({ content }) => {
    if (typeof content === 'string') return [content]
    return content.map((part) => (part.type === 'text' ? part.text : ''))
  })
  const characters = texts.reduce((sum, text) => sum + text.length, 0)
  if (characters <= LIMITS.promptCharacters) return
  const detail = `Expected at most ${LIMITS.promptCharacters} characters of text, found ${characters}.`
  throw new AppError('prompt.too_long', detail, { param: 'messages' })
}

function checkVision(metadata: ModelMetadata, [first]: readonly ImageReference[]): void {
  if (first === undefined || metadata.parameters.has_vision) return
  throw new AppError('request.unsupported', `The model "${metadata.name}" takes no pictures.`, { param: first.param })
}

function promptOptionsOf({ parameters }: ModelMetadata): PromptOptions {
  if (!parameters.has_vision) return {}
  const imageTokens = {
    boi: parameters.boi_token_id,
    soft: parameters.image_token_id,
    eoi: parameters.eoi_token_id,
    tokensPerImage: parameters.tokens_per_image,
  }
  return { imageTokens }
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
  }
}
