import { type ChatMessage, invalidPrompt } from './messages.ts'

/** The system messages at the start of a conversation, and what is said after them. */
export function splitInstructions(messages: readonly ChatMessage[]): {
  readonly instructions: readonly ChatMessage[]
  readonly turns: readonly ChatMessage[]
} {
  const found = messages.findIndex(({ role }) => role !== 'system')
  const count = found < 0 ? messages.length : found
  return { instructions: messages.slice(0, count), turns: messages.slice(count) }
}

/**
 * Refuses what the template would take without a word and drop or pass on: system messages with no question after them,
 * a system message of several parts or with an image, and roles that the model does not know.
 *
 * @throws AppError `prompt.invalid`
 */
export function checkConversation(messages: readonly ChatMessage[]): void {
  const { instructions, turns } = splitInstructions(messages)
  instructions.forEach(({ content }, at) => {
    checkInstruction(content, at)
  })
  const start = instructions.length
  if (start > 0 && turns.length === 0) {
    throw invalidPrompt(
      'messages',
      'a user message after the system message',
      messages.map(({ role }) => role),
    )
  }
  turns.forEach(({ role }, turn) => {
    if (role === 'user' || role === 'assistant') return
    const expected = start + turn === 0 ? '"system", "user" or "assistant"' : '"user" or "assistant"'
    const rule = role === 'system' ? ' (system messages stand at the start)' : ''
    throw invalidPrompt(`messages[${start + turn}].role`, `${expected}${rule}`, role)
  })
  checkAlternation(turns, start)
}

/**
 * User and assistant take turns, and the user begins. As in the template, any other name passes for the assistant's.
 *
 * @param start - place of the first turn among all messages
 * @throws AppError `prompt.invalid`
 */
export function checkAlternation(turns: readonly ChatMessage[], start: number): void {
  turns.forEach(({ role }, turn) => {
    if ((role === 'user') === (turn % 2 === 0)) return
    const expected = turn % 2 === 0 ? '"user"' : '"assistant"'
    const rule = 'user and assistant alternate after an optional system message'
    throw invalidPrompt(`messages[${start + turn}].role`, `${expected} (${rule})`, role)
  })
}

function checkInstruction(content: ChatMessage['content'], at: number): void {
  if (typeof content === 'string') return
  if (content.length === 1 && content[0]?.type === 'text') return
  const found = content.map(({ type }) => type)
  throw invalidPrompt(`messages[${at}].content`, 'a text or one text part', found)
}
