import { AppError } from '../errors/index.ts'
import { type AnswerOptions, readAnswerOptions } from './answer-options.ts'
import { type ChatCompletionRequest, chatCompletionRequest } from './chat-request.ts'
import { type ChatTools, readTools } from './chat-tools.ts'
import { checkTogether } from './check-together.ts'
import { type ConversationMessage, readConversation } from './conversation.ts'
import { ignoredFields } from './ignored-fields.ts'
import { issueError } from './issue-error.ts'
import { refuseUnofferedFeatures } from './refused-features.ts'
import { type ServiceTier, servedTier, servicePriority } from './service-tier.ts'

/** A chat request after the schema: nulls, aliases and spellings are gone. */
export interface ChatRequest {
  /** The name that the client asked for. */
  readonly model: string
  /** The conversation, oldest first. */
  readonly messages: readonly ConversationMessage[]
  /** The functions that may be called. */
  readonly tools: ChatTools
  /** How to answer. */
  readonly answer: AnswerOptions
  /** Go on with the last message, an assistant's, instead of answering it. */
  readonly continuesFinal: boolean
  /** Keeps what is remembered of this request apart from that of requests with another one. */
  readonly cacheSalt?: string
  /** Lower runs first; 0 is normal. */
  readonly priority?: number
  /** Which tier answers, if one was asked for. */
  readonly serviceTier?: ServiceTier
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
  return { ...readFields(result.data), ignored: ignoredFields(fields) }
}

function readFields(request: ChatCompletionRequest): Omit<ChatRequest, 'ignored'> {
  const read = {
    model: request.model,
    messages: readConversation(request.messages),
    tools: readTools(request),
    answer: readAnswerOptions(request),
    continuesFinal: readContinuesFinal(request),
    ...readTerms(request),
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
    continuousUsage: request.stream_options?.continuous_usage_stats ?? false,
  }
  checkTogether(read)
  return read
}

/** The last message is gone on with only where no new one is begun. */
function readContinuesFinal(request: ChatCompletionRequest): boolean {
  const { messages, add_generation_prompt: begins, continue_final_message: continues } = request
  if (continues !== true && begins === false) {
    throw invalid('add_generation_prompt', 'expected true unless "continue_final_message" is')
  }
  if (continues !== true) return false
  if (begins === true) throw invalid('add_generation_prompt', 'expected false beside "continue_final_message"')
  const last = messages.at(-1)
  if (last?.role === 'assistant' && (last.tool_calls ?? []).length === 0) return true
  throw invalid('continue_final_message', 'expected an assistant message without calls as the last one')
}

/** On what terms it is answered: what the client says of itself, and of others. */
function readTerms({ cache_salt: salt, priority: asked, service_tier: tier }: ChatCompletionRequest) {
  const served = servedTier(tier)
  const priority = asked ?? (served === undefined ? undefined : servicePriority(served))
  return {
    ...(typeof salt === 'string' ? { cacheSalt: salt } : {}),
    ...(priority === undefined ? {} : { priority }),
    ...(served === undefined ? {} : { serviceTier: served }),
  }
}

function invalid(param: string, fault: string): AppError {
  return new AppError('request.invalid', `${param}: ${fault}.`, { param })
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
