import { AppError } from '../errors/index.ts'
import type { ChatMessage } from './chat-message.ts'
import { type ContentPart, type ImageDetail, readPicturePart } from './content-part.ts'
import { formatPath } from './issue-error.ts'

/** A picture of a message, not yet looked at. */
export interface ImageReference {
  readonly type: 'image'
  /** A `data:` URI or an address; empty where there is a file. */
  readonly address: string
  /** The id of an uploaded file, instead of an address. */
  readonly fileId?: string
  /** `auto` when left out. */
  readonly detail?: ImageDetail
  /** Where it stands in the request, for errors: `messages[2].content[1].image_url`. */
  readonly param: string
}

/** A call of a function that an answer has made. */
export interface ToolCall {
  /** Names the call in the message that has its result. */
  readonly id: string
  /** Of the function. */
  readonly name: string
  /** JSON text of an object, as the answer wrote it. */
  readonly arguments: string
}

/** A message in the one form that the rest of Loupe knows. */
export interface ConversationMessage {
  /** Who speaks; `tool` is the result of a call. */
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  /** Text, or texts and pictures in their order. */
  readonly content: string | readonly ({ readonly type: 'text'; readonly text: string } | ImageReference)[]
  /** Of an assistant: what it called. Never empty. Each call has its result in one of the tool messages that follow. */
  readonly toolCalls?: readonly ToolCall[]
  /** Of a tool: which call it answers. */
  readonly toolCallId?: string
  /** Who of several speakers of the role it is. */
  readonly name?: string
}

/**
 * Reads the messages of a request.
 *
 * @throws AppError `request.invalid` for arguments that are no JSON object, a call without its result or a result without
 *   its call
 */
export function readConversation(messages: readonly ChatMessage[]): readonly ConversationMessage[] {
  const conversation = messages.map(readMessage)
  checkResults(conversation)
  return conversation
}

function readMessage(message: ChatMessage, index: number): ConversationMessage {
  const { name } = message
  const read = {
    role: message.role === 'developer' ? 'system' : message.role,
    content: readContent(message.content, index),
    ...(typeof name === 'string' ? { name } : {}),
  } as const
  if (message.role === 'tool') return { ...read, toolCallId: message.tool_call_id }
  if (message.role !== 'assistant' || (message.tool_calls ?? []).length === 0) return read
  return { ...read, toolCalls: (message.tool_calls ?? []).map((call, at) => readCall(call, [index, at])) }
}

function readContent(content: ChatMessage['content'], index: number): ConversationMessage['content'] {
  if (content === null || content === undefined) return ''
  return typeof content === 'string' ? content : content.map((part, place) => readPart(part, [index, place]))
}

function readPart(part: ContentPart, [message, place]: readonly [number, number]) {
  switch (part.type) {
    case 'text':
    case 'input_text':
      return { type: 'text', text: part.text } as const
    case 'refusal':
      return { type: 'text', text: part.refusal } as const
    case 'file':
    case 'image_url':
    case 'input_image': {
      const picture = readPicturePart(part)
      const field = part.type === 'file' ? 'file.file_id' : 'fileId' in picture ? 'file_id' : 'image_url'
      return { ...picture, param: `${formatPath(['messages', message, 'content', place])}.${field}` }
    }
  }
}

type SentCall = NonNullable<Extract<ChatMessage, { role: 'assistant' }>['tool_calls']>[number]

function readCall({ id, function: called }: SentCall, [message, place]: readonly [number, number]): ToolCall {
  // Some clients write the arguments of a function without any as an empty string.
  const text = called.arguments.trim() === '' ? '{}' : called.arguments
  if (isJsonObject(text)) return { id, name: called.name, arguments: text }
  const param = formatPath(['messages', message, 'tool_calls', place, 'function', 'arguments'])
  throw invalid(param, 'expected the JSON text of an object')
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

/** The tool messages behind an assistant's message answer its calls, each once, and no others. */
function checkResults(messages: readonly ConversationMessage[]): void {
  let caller = 0
  let open = new Set<string>()
  messages.forEach(({ role, toolCalls = [], toolCallId = '' }, index) => {
    if (role === 'tool') {
      if (open.delete(toolCallId)) return
      const expected = open.size === 0 ? 'a call before it that has no result yet' : `one of ${listed(open)}`
      throw invalid(`messages[${index}].tool_call_id`, `expected ${expected}, found ${listed([toolCallId])}`)
    }
    expectNone(open, caller)
    caller = index
    open = new Set(toolCalls.map(({ id }) => id))
    if (open.size < toolCalls.length) throw invalid(`messages[${index}].tool_calls`, 'expected an id for each call')
  })
  expectNone(open, caller)
}

function expectNone(open: ReadonlySet<string>, caller: number): void {
  if (open.size === 0) return
  const fault = `expected a tool message for each call behind it, found none for ${listed(open)}`
  throw invalid(`messages[${caller}].tool_calls`, fault)
}

function listed(ids: Iterable<string>): string {
  const [first = '', ...others] = ids
  const named = [first, ...others.slice(0, 3)].map((id) => JSON.stringify(id.slice(0, 64)))
  return `${named.join(', ')}${others.length > 3 ? ', ...' : ''}`
}

function invalid(param: string, fault: string): AppError {
  return new AppError('request.invalid', `${param}: ${fault}.`, { param })
}
