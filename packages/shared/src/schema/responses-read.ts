import { AppError } from '../errors/index.ts'
import { unknownFields } from './ignored-fields.ts'
import { issueError } from './issue-error.ts'
import { type ChatRequest, readChatRequest } from './read-chat-request.ts'
import { conversationOf, type PlacedItem } from './responses-conversation.ts'
import { ignoredInInput } from './responses-ignored.ts'
import type { InputItem, ResponseItem } from './responses-items.ts'
import type { ResponseSettings } from './responses-object.ts'
import { blameInResponses, type MessagePlace, placeInResponses } from './responses-places.ts'
import { isRefusedInResponses, refuseInResponses } from './responses-refused.ts'
import { type ResponsesBody, responsesRequest, SHARED_FIELDS } from './responses-request.ts'
import { settingsOf } from './responses-settings.ts'

/** A request to the Responses API after the schema. Its conversation is not whole yet: parts of it may be stored. */
export interface ResponsesRequest {
  /** What the response repeats; `store` and `previous_response_id` are among it. */
  readonly settings: ResponseSettings
  /** As it was sent, a text as the message that it stands for. */
  readonly input: readonly InputItem[]
  /** Where the items of the input stand. */
  readonly inputIsText: boolean
  /** Send the response as it is made. */
  readonly stream: boolean
  /** The body of the chat request that asks for the same, but for its messages. */
  readonly chat: Readonly<Record<string, unknown>>
  /** JSON paths of fields that were accepted and have no effect. */
  readonly ignored: readonly string[]
}

/** A chat request, and where its messages come from. */
export interface PlacedChatRequest {
  /** Asks for the same. */
  readonly request: ChatRequest
  /** Of each message. */
  readonly places: readonly MessagePlace[]
}

/**
 * Reads the body of `POST /v1/responses`.
 *
 * @param body - parsed JSON
 * @throws AppError `request.invalid`, or `request.unsupported` for a feature that is not offered; `param` is its path
 */
export function readResponsesRequest(body: unknown): ResponsesRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new AppError('request.invalid', 'Expected a JSON object as the body.')
  }
  const fields = body as Readonly<Record<string, unknown>> // an object, not an array: looked at above
  refuseInResponses(fields)
  const result = responsesRequest.safeParse(fields)
  if (!result.success) throw issueError(result.error)
  const { input, stream } = result.data
  const inputIsText = typeof input === 'string'
  return {
    settings: settingsOf(result.data),
    input: inputIsText ? [{ role: 'user', content: input }] : input,
    inputIsText,
    stream: stream ?? false,
    chat: chatFieldsOf(result.data),
    ignored: [...unknownFields(fields, isKnown), ...ignoredInInput(fields['input'])],
  }
}

function isKnown(name: string): boolean {
  return name in responsesRequest.shape || isRefusedInResponses(name)
}

/**
 * The chat request that a conversation stands for.
 *
 * @param items - the whole conversation, oldest first
 * @throws AppError `request.invalid`, `request.unsupported`, with paths of the request to the Responses API
 */
export function placedChatRequest(
  { settings, chat, ignored }: ResponsesRequest,
  items: readonly PlacedItem[],
): PlacedChatRequest {
  const { messages, places } = conversationOf([...instructionsOf(settings), ...items])
  try {
    const request = readChatRequest({ ...chat, messages })
    const all = [...ignored, ...request.ignored.map((path) => placeInResponses(path, places))]
    return { request: { ...request, ignored: [...new Set(all)] }, places }
  } catch (error) {
    throw blameInResponses(error, places)
  }
}

function instructionsOf({ instructions }: ResponseSettings): PlacedItem[] {
  if (instructions === null) return []
  const content: ResponseItem & { role: 'system' } = {
    id: 'instructions',
    type: 'message',
    status: 'completed',
    role: 'system',
    content: [{ type: 'input_text', text: instructions }],
  }
  return [{ item: content, place: { at: 'instructions', isWhole: true } }]
}

const LOGPROBS = 'message.output_text.logprobs'

function chatFieldsOf(body: ResponsesBody): Readonly<Record<string, unknown>> {
  const shared = SHARED_FIELDS.map((name) => [name, body[name]] as const)
  const { text, tools, tool_choice: choice, include, top_logprobs: top } = body
  return {
    ...Object.fromEntries(shared),
    max_completion_tokens: body.max_output_tokens,
    response_format: formatOf(text),
    tools: tools?.map(({ type, ...described }) => ({ type, function: described })),
    tool_choice: choiceOf(choice),
    logprobs: (top ?? 0) > 0 || (include ?? []).includes(LOGPROBS),
  }
}

function formatOf(text: ResponsesBody['text']): object | undefined {
  const format = text?.format ?? undefined
  if (format?.type !== 'json_schema') return format
  const { type, ...described } = format
  return { type, json_schema: described }
}

function choiceOf(choice: ResponsesBody['tool_choice']): unknown {
  if (typeof choice !== 'object' || choice === null) return choice
  if (choice.type === 'function') return { type: choice.type, function: { name: choice.name } }
  const tools = choice.tools.map(({ type, name }) => ({ type, function: { name } }))
  return { type: choice.type, allowed_tools: { mode: choice.mode, tools } }
}
