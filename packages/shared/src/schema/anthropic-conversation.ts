import { AppError } from '../errors/index.ts'
import type { AnthropicBlock, AnthropicInput } from './anthropic-blocks.ts'
import type { AnthropicPlace } from './anthropic-places.ts'
import type { MessagesBody } from './anthropic-request.ts'
import { isDeeperThan } from './json-depth.ts'

/** The messages of a chat request, and where each comes from. */
export interface AnthropicConversation {
  /** As the body of a chat request has them. */
  readonly messages: readonly Readonly<Record<string, unknown>>[]
  readonly places: readonly AnthropicPlace[]
}

type Of<T extends AnthropicBlock['type']> = Extract<AnthropicBlock, { type: T }>
type Part = { type: 'text'; text: string } | { type: 'image_url'; image_url: string } | FilePart
type FilePart = { type: 'input_image'; file_id: string }

/** A message of a chat request while it is put together. */
interface Draft {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly at: string
  readonly parts: { readonly part: Part; readonly at: string }[]
  readonly calls: { readonly call: object; readonly at: string }[]
  readonly answers?: string
}

/** What stands before the text of a result that is an error: the model is told in words. */
const ERROR_TEXT = 'Error: '

/** More than any schema has that arguments can be held to. */
const MOST_LEVELS = 512

/**
 * Writes a conversation of Anthropic's API as the messages of a chat request. Results of calls, which are blocks of a
 * user's message there, are messages of their own here; messages of one role behind each other are one.
 *
 * @throws AppError `request.invalid` for blocks where they do not belong
 */
export function anthropicConversation({ system, messages }: MessagesBody): AnthropicConversation {
  const drafts: Draft[] = []
  const instructions = placedBlocks(system ?? '', 'system')
  if (instructions.length > 0) drafts.push(draftOf('system', 'system', instructions))
  messages.forEach(({ role, content }, index) => {
    const at = `messages[${index}]`
    const blocks = placedBlocks(content, `${at}.content`)
    checkBlocks(role, blocks)
    const results = blocks.flatMap(({ block, at: place }) => {
      return block.type === 'tool_result' ? [resultOf(block, place)] : []
    })
    drafts.push(...results)
    if (results.length === 0 || results.length < blocks.length) add(drafts, draftOf(role, at, blocks))
  })
  return {
    messages: drafts.map(({ role, parts, calls, answers }) => ({
      role,
      content: parts.map(({ part }) => part),
      ...(calls.length === 0 ? {} : { tool_calls: calls.map(({ call }) => call) }),
      ...(answers === undefined ? {} : { tool_call_id: answers }),
    })),
    places: drafts.map(({ at, parts, calls }) => {
      return { at, parts: parts.map((part) => part.at), calls: calls.map((call) => call.at) }
    }),
  }
}

type PlacedBlock = { readonly block: AnthropicBlock; readonly at: string }

/** A text is a block; an empty one is none. */
function placedBlocks(content: AnthropicInput['content'], at: string): PlacedBlock[] {
  if (typeof content !== 'string') return content.map((block, index) => ({ block, at: `${at}[${index}]` }))
  return content === '' ? [] : [{ block: { type: 'text', text: content }, at }]
}

/** Calls are made by assistants, at the end; results are given by users, at the start. */
function checkBlocks(role: AnthropicInput['role'], blocks: readonly PlacedBlock[]): void {
  blocks.forEach(({ block: { type }, at }, index) => {
    const before = blocks[index - 1]?.block.type ?? type
    if (type === 'tool_use' && role !== 'assistant') throw invalid(at, 'expected "tool_use" in assistant messages only')
    if (type === 'tool_result' && role !== 'user') throw invalid(at, 'expected "tool_result" in user messages only')
    if (type === 'tool_result' && before !== type) throw invalid(at, 'expected "tool_result" before all other blocks')
    if (type !== 'tool_use' && before === 'tool_use') throw invalid(at, 'expected "tool_use" behind all other blocks')
  })
}

function draftOf(role: Draft['role'], at: string, blocks: readonly PlacedBlock[]): Draft {
  return {
    role,
    at,
    parts: blocks.flatMap(({ block, at: place }) => {
      return block.type === 'text' || block.type === 'image' ? [{ part: partOf(block), at: place }] : []
    }),
    calls: blocks.flatMap(({ block, at: place }) => {
      return block.type === 'tool_use' ? [{ call: callOf(block, place), at: place }] : []
    }),
  }
}

/** Adds a message, to the last one where both are of one role. */
function add(drafts: Draft[], draft: Draft): void {
  const last = drafts.at(-1)
  const isSame = last?.role === draft.role && draft.role !== 'system' && last.calls.length === 0
  if (!isSame) {
    drafts.push(draft)
    return
  }
  const [first, ...others] = draft.parts
  const end = last.parts.at(-1)
  if (first?.part.type === 'text' && end?.part.type === 'text') {
    // The template puts nothing between texts.
    last.parts.pop()
    last.parts.push({ part: { type: 'text', text: `${end.part.text}\n\n${first.part.text}` }, at: end.at })
  } else if (first !== undefined) last.parts.push(first)
  last.parts.push(...others)
  last.calls.push(...draft.calls)
}

function resultOf({ tool_use_id: answers, content, is_error: isError }: Of<'tool_result'>, at: string): Draft {
  const { parts } = draftOf('tool', at, placedBlocks(content ?? '', `${at}.content`))
  const error = { part: { type: 'text', text: ERROR_TEXT } as const, at }
  return { role: 'tool', at, parts: isError === true ? [error, ...parts] : parts, calls: [], answers }
}

function callOf({ id, name, input }: Of<'tool_use'>, at: string): object {
  if (isDeeperThan(MOST_LEVELS, input)) throw invalid(`${at}.input`, `expected at most ${MOST_LEVELS} levels`)
  return { id, type: 'function', function: { name, arguments: JSON.stringify(input) } }
}

function partOf(block: Of<'text' | 'image'>): Part {
  if (block.type === 'text') return { type: 'text', text: block.text }
  const { source } = block
  if (source.type === 'file') return { type: 'input_image', file_id: source.file_id }
  const address = source.type === 'url' ? source.url : `data:${source.media_type};base64,${source.data}`
  return { type: 'image_url', image_url: address }
}

function invalid(param: string, fault: string): AppError {
  return new AppError('request.invalid', `${param}: ${fault}.`, { param })
}
