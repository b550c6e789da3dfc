import { AppError } from '../errors/index.ts'
import type { ChatMessage } from './chat-message.ts'
import { type ChatCompletionRequest, chatCompletionRequest } from './chat-request.ts'
import type { ContentPart } from './content-part.ts'
import { ignoredFields } from './ignored-fields.ts'
import { formatPath, issueError } from './issue-error.ts'
import { refuseUnofferedFeatures } from './refused-features.ts'
import { readStructuredOutput, type StructuredOutput } from './structured-output.ts'

/** A picture of a message, not yet looked at. */
export interface ImageReference {
  readonly type: 'image'
  /** A `data:` URI or an address. */
  readonly address: string
  /** Where it stands in the request, for errors: `messages[2].content[1].image_url`. */
  readonly param: string
}

/** A message in the one form that the rest of Loupe knows. */
export interface ConversationMessage {
  /** Who speaks. */
  readonly role: 'system' | 'user' | 'assistant'
  /** Text, or texts and pictures in their order. */
  readonly content: string | readonly ({ readonly type: 'text'; readonly text: string } | ImageReference)[]
}

/** How to answer. What is undefined takes the model's own default. */
export interface AnswerOptions {
  /** Most tokens to answer with. */
  readonly maxTokens: number | undefined
  /** 0 takes the likeliest token each time. */
  readonly temperature: number | undefined
  /** Sample among the likeliest tokens that together have this probability. */
  readonly topP: number | undefined
  /** 0 is no limit. */
  readonly topK: number | undefined
  /** The same seed, prompt and options give the same answer. */
  readonly seed: number | undefined
  /** The answer ends before the first of these. */
  readonly stop: readonly string[]
  /** These end the answer besides the model's own end tokens. */
  readonly stopTokenIds: readonly number[]
  /** Go on past the model's end tokens. */
  readonly ignoreEos: boolean
  /** Sample among the tokens that are at least this share as likely as the likeliest. */
  readonly minP: number | undefined
  /** Of tokens that the answer holds. */
  readonly presencePenalty: number | undefined
  /** Of tokens that the answer holds, for each time. */
  readonly frequencyPenalty: number | undefined
  /** Of tokens that prompt or answer hold, as a factor. */
  readonly repetitionPenalty: number | undefined
  /** What is added to the scores of tokens, by token id. */
  readonly logitBias: Readonly<Record<string, number>> | undefined
  /** How many answers. */
  readonly choices: number
  /** Tell how likely each token was, and so many likeliest ones beside it; undefined tells nothing. */
  readonly topLogprobs: number | undefined
  /** What the answer has to be. */
  readonly structure: StructuredOutput | undefined
}

/** A chat request after the schema: nulls, aliases and spellings are gone. */
export interface ChatRequest {
  /** The name that the client asked for. */
  readonly model: string
  /** The conversation, oldest first. */
  readonly messages: readonly ConversationMessage[]
  /** How to answer. */
  readonly answer: AnswerOptions
  /** Send the answer as it is made, as server-sent events. */
  readonly stream: boolean
  /** End the stream with a chunk that counts tokens. */
  readonly includeUsage: boolean
  /** Count tokens in every chunk of the stream. */
  readonly continuousUsage: boolean
  /** JSON paths of fields that were accepted and have no effect. */
  readonly ignored: readonly string[]
}

/**
 * Reads the body of `POST /v1/chat/completions`.
 *
 * @param body - parsed JSON
 * @throws AppError `request.invalid`, or `request.unsupported` for a feature that is not offered; `param` is its path
 */
export function readChatRequest(body: unknown): ChatRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new AppError('request.invalid', 'Expected a JSON object as the body.')
  }
  const fields = body as Readonly<Record<string, unknown>> // an object, not an array: looked at above
  refuseUnofferedFeatures(fields)
  checkPartCount(fields['messages'])
  const result = chatCompletionRequest.safeParse(fields)
  if (!result.success) throw issueError(result.error)
  const request = result.data
  return {
    model: request.model,
    messages: request.messages.map(readMessage),
    answer: readAnswerOptions(request),
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
    continuousUsage: request.stream_options?.continuous_usage_stats ?? false,
    ignored: ignoredFields(fields),
  }
}

/** More parts than this in all messages together are no conversation: each is looked at, and each fault is an object. */
const MOST_PARTS = 8192

function checkPartCount(messages: unknown): void {
  if (!Array.isArray(messages)) return
  const parts = messages.reduce((sum: number, message) => sum + contentLength(message), 0)
  if (parts <= MOST_PARTS) return
  throw new AppError('request.invalid', `messages: expected at most ${MOST_PARTS} content parts, found ${parts}.`, {
    param: 'messages',
  })
}

function contentLength(message: unknown): number {
  const content = typeof message === 'object' && message !== null && 'content' in message ? message.content : undefined
  return Array.isArray(content) ? content.length : 0
}

function readMessage(message: ChatMessage, index: number): ConversationMessage {
  const role = message.role === 'developer' ? 'system' : message.role
  const { content } = message
  if (content === null || content === undefined) return { role, content: '' }
  if (typeof content === 'string') return { role, content }
  return { role, content: content.map((part, place) => readPart(part, [index, place])) }
}

function readPart(part: ContentPart, [message, place]: readonly [number, number]) {
  switch (part.type) {
    case 'text':
    case 'input_text':
      return { type: 'text', text: part.text } as const
    case 'refusal':
      return { type: 'text', text: part.refusal } as const
    case 'image_url':
    case 'input_image': {
      const address = typeof part.image_url === 'string' ? part.image_url : part.image_url.url
      const param = formatPath(['messages', message, 'content', place, 'image_url'])
      return { type: 'image', address, param } as const
    }
  }
}

function readAnswerOptions(request: ChatCompletionRequest): AnswerOptions {
  const { stop } = request
  return {
    ...readSampling(request),
    maxTokens: given(request.max_completion_tokens) ?? given(request.max_tokens),
    stop: typeof stop === 'string' ? [stop] : (stop ?? []),
    stopTokenIds: request.stop_token_ids ?? [],
    ignoreEos: request.ignore_eos ?? false,
    choices: request.n ?? 1,
    topLogprobs: readTopLogprobs(request),
    structure: readStructuredOutput(request),
  }
}

/** Null asks for nothing. */
function given<T>(value: T | null | undefined): T | undefined {
  return value ?? undefined
}

function readSampling(request: ChatCompletionRequest) {
  const { top_k: topK, top_p: topP } = request
  return {
    // Nothing but the likeliest token has a share of 0 before it: top_p 0 is greedy.
    temperature: topP === 0 ? 0 : given(request.temperature),
    topP: topP === 0 ? undefined : given(topP),
    topK: topK === -1 ? 0 : given(topK),
    minP: given(request.min_p),
    presencePenalty: given(request.presence_penalty),
    frequencyPenalty: given(request.frequency_penalty),
    repetitionPenalty: given(request.repetition_penalty),
    logitBias: given(request.logit_bias),
    seed: typeof request.seed === 'number' ? Math.abs(request.seed) : undefined,
  }
}

function readTopLogprobs({ logprobs, top_logprobs: top }: ChatCompletionRequest): number | undefined {
  if (logprobs === true) return top ?? 0
  if ((top ?? 0) === 0) return undefined
  throw new AppError('request.invalid', 'top_logprobs: expected "logprobs": true beside it.', { param: 'top_logprobs' })
}
