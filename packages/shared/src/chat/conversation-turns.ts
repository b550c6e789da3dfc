import type { ChatTools, ConversationMessage } from '../schema/index.ts'
import { invalidPrompt } from './messages.ts'
import { mayCall } from './tool-grammar.ts'
import { calledName, toolCallText, toolInstruction, toolResultText } from './tool-prompt.ts'

/** A message of a conversation in which only users and assistants speak, after instructions. */
export type ConversationTurn = Pick<ConversationMessage, 'content'> & {
  /** Who speaks. What a function gave is said by the user. */
  readonly role: Exclude<ConversationMessage['role'], 'tool'>
}

type Parts = Exclude<ConversationMessage['content'], string>

/**
 * A conversation as Gemma's template takes it: instructions as one text each, with them what says which functions may be
 * called; calls as text; their results as a turn of the user, together with what the user says after them.
 *
 * @throws AppError `prompt.invalid` for roles that do not take turns; `param` is a path of the conversation as it is given
 */
export function conversationTurns(
  messages: readonly ConversationMessage[],
  tools: ChatTools,
): readonly ConversationTurn[] {
  checkTurns(messages)
  const found = messages.findIndex(({ role }) => role !== 'system')
  const start = found < 0 ? messages.length : found
  const instructions = messages.slice(0, start).map(({ content }) => instruction(textOf(content)))
  if (mayCall(tools)) instructions.push(instruction(toolInstruction(tools)))
  const turns: ConversationTurn[] = []
  for (const [index, message] of messages.entries()) {
    if (index < start) continue
    const turn = turnOf(messages, index)
    const before = messages[index - 1]
    const last = turns.at(-1)
    // Results and what follows them are one turn of the user.
    if (before?.role === 'tool' && message.role !== 'assistant' && last !== undefined) {
      turns[turns.length - 1] = { role: 'user', content: joined(last.content, turn.content) }
    } else turns.push(turn)
  }
  return [...instructions, ...turns]
}

function instruction(content: string): ConversationTurn {
  return { role: 'system', content }
}

function turnOf(messages: readonly ConversationMessage[], index: number): ConversationTurn {
  const { role, content, toolCalls } = messages[index] ?? { role: 'user', content: '' }
  if (role === 'tool') {
    const text = toolResultText(calledName(messages, index), textOf(content))
    const images = typeof content === 'string' ? [] : content.filter((part) => part.type === 'image')
    return { role: 'user', content: images.length === 0 ? text : [{ type: 'text', text }, ...images] }
  }
  return { role, content: toolCalls === undefined ? content : toolCallText(textOf(content), toolCalls) }
}

function textOf(content: ConversationMessage['content']): string {
  if (typeof content === 'string') return content
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

/** The template trims each text and puts nothing between them. */
function joined(first: ConversationMessage['content'], second: ConversationMessage['content']): Parts {
  const parts: Parts[number][] = [...partsOf(first)]
  const [next, ...rest] = partsOf(second)
  const last = parts.at(-1)
  if (last?.type === 'text' && next?.type === 'text') {
    parts[parts.length - 1] = { type: 'text', text: `${last.text}\n\n${next.text}` }
  } else if (next !== undefined) parts.push(next)
  return [...parts, ...rest]
}

function partsOf(content: ConversationMessage['content']): Parts {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content
}

/** Users and assistants take turns after the instructions, users first; results of calls are part of the user's turn. */
function checkTurns(messages: readonly ConversationMessage[]): void {
  messages.forEach(({ role }, index) => {
    const before = messages[index - 1]?.role ?? 'system'
    if (FOLLOWERS[before].includes(role)) return
    const expected = FOLLOWERS[before].map((each) => `"${each}"`).join(' or ')
    const rule = role === 'system' ? 'system messages stand at the start' : RULE
    throw invalidPrompt(`messages[${index}].role`, `${expected} (${rule})`, role)
  })
}

const RULE = 'user and assistant alternate after an optional system message'

/** Who may speak after whom. That results follow calls was looked at when the request was read. */
const FOLLOWERS: Readonly<Record<ConversationMessage['role'], readonly ConversationMessage['role'][]>> = {
  system: ['system', 'user'],
  user: ['assistant'],
  assistant: ['user', 'tool'],
  tool: ['tool', 'user', 'assistant'],
}
