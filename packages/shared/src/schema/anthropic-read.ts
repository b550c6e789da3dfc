import { AppError } from '../errors/index.ts'
import { anthropicConversation } from './anthropic-conversation.ts'
import { ignoredInMessages } from './anthropic-ignored.ts'
import { type AnthropicPlace, blameInMessages } from './anthropic-places.ts'
import { refuseInMessages } from './anthropic-refused.ts'
import { countTokensRequest, type MessagesBody, messagesRequest } from './anthropic-request.ts'
import { issueError } from './issue-error.ts'
import { type ChatRequest, readChatRequest } from './read-chat-request.ts'

/** A request of Anthropic's API after the schema. */
export interface AnthropicRequest {
  /** Asks for the same. */
  readonly chat: ChatRequest
  /** Where its messages come from. */
  readonly places: readonly AnthropicPlace[]
}

/**
 * Reads the body of `POST /v1/messages`.
 *
 * @param body - parsed JSON
 * @throws AppError `request.invalid`, or `request.unsupported` for a feature that is not offered; `param` is its path
 */
export function readMessagesRequest(body: unknown): AnthropicRequest {
  return read(body, (fields) => messagesRequest.safeParse(fields))
}

/** Reads the body of `POST /v1/messages/count_tokens`. @throws AppError as {@link readMessagesRequest} does */
export function readCountTokensRequest(body: unknown): AnthropicRequest {
  return read(body, (fields) => countTokensRequest.safeParse(fields))
}

type Parse = (fields: object) => ReturnType<typeof countTokensRequest.safeParse>

function read(body: unknown, parse: Parse): AnthropicRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new AppError('request.invalid', 'Expected a JSON object as the body.')
  }
  const fields = body as Readonly<Record<string, unknown>> // an object, not an array: looked at above
  refuseInMessages(fields)
  const result = parse(fields)
  if (!result.success) throw issueError(result.error)
  const { messages, places } = anthropicConversation(result.data)
  try {
    const chat = readChatRequest({ ...chatFieldsOf(result.data), messages })
    return { chat: { ...chat, ignored: ignoredInMessages(fields) }, places }
  } catch (error) {
    throw blameInMessages(error, places)
  }
}

function chatFieldsOf(body: MessagesBody): Readonly<Record<string, unknown>> {
  const { model, temperature, top_p, top_k, stream, max_tokens, stop_sequences: stop, metadata } = body
  return {
    ...{ model, temperature, top_p, top_k, stream, max_tokens, stop },
    user: metadata?.user_id,
    ...toolFieldsOf(body),
    ...formatOf(body),
    ...(body.service_tier === 'auto' ? { service_tier: 'auto' } : {}),
    // An answer of the assistant's at the end is the beginning of the one that is asked for.
    ...(body.messages.at(-1)?.role === 'assistant'
      ? { continue_final_message: true, add_generation_prompt: false }
      : {}),
  }
}

function toolFieldsOf({ tools, tool_choice: choice }: MessagesBody): Readonly<Record<string, unknown>> {
  return {
    tools: tools?.map(({ name, description, input_schema: parameters, strict }) => {
      return { type: 'function', function: { name, description, parameters, strict } }
    }),
    tool_choice: choiceOf(choice),
    ...(choice?.type === 'none' ? {} : { parallel_tool_calls: choice?.disable_parallel_tool_use !== true }),
  }
}

function choiceOf(choice: MessagesBody['tool_choice']): unknown {
  switch (choice?.type) {
    case 'tool':
      return { type: 'function', function: { name: choice.name } }
    case 'any':
      return 'required'
    default:
      return choice?.type
  }
}

function formatOf({ output_config: output }: MessagesBody): Readonly<Record<string, unknown>> {
  const { schema } = output?.format ?? {}
  if (schema === undefined) return {}
  return { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } } }
}
