import { type ChatMessage, invalidPrompt } from './messages.ts'

/**
 * Refuses what the template would take without a word and drop or pass on: a system message with no question after it,
 * a system message of several parts or with an image, and roles that the model does not know.
 *
 * @throws AppError `prompt.invalid`
 */
export function checkConversation(messages: readonly ChatMessage[]): void {
  messages.forEach(({ role, content }, at) => {
    if (at === 0 && role === 'system') checkSystem(content)
    else if (role !== 'user' && role !== 'assistant') {
      const expected = at === 0 ? '"system", "user" or "assistant"' : '"user" or "assistant"'
      throw invalidPrompt(`messages[${at}].role`, expected, role)
    }
  })
  if (messages.length === 1 && messages[0]?.role === 'system') {
    throw invalidPrompt(
      'messages',
      'a user message after the system message',
      messages.map(({ role }) => role),
    )
  }
}

function checkSystem(content: ChatMessage['content']): void {
  if (typeof content === 'string') return
  if (content.length === 1 && content[0]?.type === 'text') return
  const found = content.map(({ type }) => type)
  throw invalidPrompt('messages[0].content', 'a text or one text part', found)
}
