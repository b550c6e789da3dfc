import { chatCompletionRequest } from './chat-request.ts'
import { isRefusable } from './refused-features.ts'

const KNOWN = new Set(Object.keys(chatCompletionRequest.shape))
const KNOWN_IN_MESSAGES = new Set([
  'role',
  'content',
  'refusal',
  'tool_calls',
  'tool_call_id',
  'function_call',
  'audio',
])
const KNOWN_IN_PARTS = new Set(['type', 'text', 'image_url', 'refusal', 'detail', 'file', 'file_id', 'uuid'])

/**
 * The fields of a request that were accepted and have no effect, as JSON paths. Null and empty values ask for nothing
 * and are not listed.
 *
 * @param body - a body that has passed `chatCompletionRequest`
 */
export function ignoredFields(body: Readonly<Record<string, unknown>>): string[] {
  const top = unknownFields(body, (field) => KNOWN.has(field) || isRefusable(field))
  const inside = asArray(body['messages']).flatMap((message, index) => ignoredInMessage(message, `messages[${index}]`))
  return [...top, ...inside]
}

function ignoredInMessage(message: unknown, at: string): string[] {
  // That of a tool is the name of its function, which its call has told.
  const isKnown = (name: string) =>
    KNOWN_IN_MESSAGES.has(name) || (name === 'name' && field(message, 'role') === 'tool')
  const fields = unknownFields(message, isKnown).map((name) => `${at}.${name}`)
  const parts = asArray(field(message, 'content')).flatMap((part, index) =>
    ignoredInPart(part, `${at}.content[${index}]`),
  )
  return [...fields, ...parts]
}

function ignoredInPart(part: unknown, at: string): string[] {
  return unknownFields(part, (name) => KNOWN_IN_PARTS.has(name)).map((name) => `${at}.${name}`)
}

/** The fields of a value that are not known and ask for something, by name. */
export function unknownFields(value: unknown, isKnown: (field: string) => boolean): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, content]) => (isKnown(name) || asksNothing(content) ? [] : [name]))
}

function asksNothing(value: unknown): boolean {
  return value === null || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0)
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
