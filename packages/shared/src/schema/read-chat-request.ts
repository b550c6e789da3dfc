import { AppError } from '../errors/index.ts'
import { type AnswerOptions, readAnswerOptions } from './answer-options.ts'
import { chatCompletionRequest } from './chat-request.ts'
import { type ChatTools, readTools } from './chat-tools.ts'
import { type ConversationMessage, readConversation } from './conversation.ts'
import { ignoredFields } from './ignored-fields.ts'
import { issueError } from './issue-error.ts'
import { refuseUnofferedFeatures } from './refused-features.ts'
import { type ServiceTier, servicePriority, servedTier } from './service-tier.ts'

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

