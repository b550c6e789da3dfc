import { AppError } from '../errors/index.ts'
import { shown } from '../shown.ts'

/** One part of a message's content. */
export type ChatPart =
  | {
      readonly type: 'text'
      /** As it was written; control tokens in it are text. */
      readonly text: string
    }
  | {
      readonly type: 'image'
      /** How many crops of it are shown after it, 0 to 4; 0 when left out. Each is an image of its own to the model. */
      readonly crops?: number
    }

/** One message of a conversation. */
export interface ChatMessage {
  /** `user`, `assistant`, or `system` for the first. */
  readonly role: string
  /** Text, or texts and images in their order. */
  readonly content: string | readonly ChatPart[]
}

/**
 * Reads a parsed JSON value as messages. Parts of another type than text and image are left out, as the reference's
 * template does; who serves strangers checks for them before.
 *
 * @throws AppError `prompt.invalid` with the JSON path at fault in `param`
 */
export function parseMessages(value: unknown): readonly ChatMessage[] {
  if (!Array.isArray(value)) throw invalidPrompt('messages', 'a list of messages', value)
  return value.map((message: unknown, at) => parseMessage(message, `messages[${at}]`))
}

function parseMessage(value: unknown, path: string): ChatMessage {
  if (typeof value !== 'object' || value === null) throw invalidPrompt(path, 'an object', value)
  const { role, content } = value as Partial<Record<'role' | 'content', unknown>>
  if (typeof role !== 'string') throw invalidPrompt(`${path}.role`, 'a text', role)
  if (typeof content === 'string') return { role, content }
  if (!Array.isArray(content)) throw invalidPrompt(`${path}.content`, 'a text or a list of parts', content)
  return { role, content: content.flatMap((part: unknown, at) => parsePart(part, `${path}.content[${at}]`)) }
}

function parsePart(value: unknown, path: string): readonly ChatPart[] {
  if (typeof value !== 'object' || value === null) throw invalidPrompt(path, 'an object', value)
  const { type, text } = value as Partial<Record<'type' | 'text', unknown>>
  if (typeof type !== 'string') throw invalidPrompt(`${path}.type`, '"text" or "image"', type)
  if (type === 'image') return [{ type }]
  if (type !== 'text') return []
  if (typeof text !== 'string') throw invalidPrompt(`${path}.text`, 'a text', text)
  return [{ type, text }]
}

/** A fault in a conversation: where, what was expected there, what was found. */
export function invalidPrompt(path: string, expected: string, found: unknown): AppError {
  return new AppError('prompt.invalid', `${path}: expected ${expected}, found ${shown(found)}.`, { param: path })
}
