import type { ResponseItem } from './responses-items.ts'
import type { MessagePlace, Place } from './responses-places.ts'

/** An item, and where the request has it. */
export interface PlacedItem {
  /** With all its fields. */
  readonly item: ResponseItem
  /** For errors. */
  readonly place: Place
}

/** The messages of a chat request, and where each comes from. */
export interface ResponsesConversation {
  /** As the body of a chat request has them. */
  readonly messages: readonly Readonly<Record<string, unknown>>[]
  readonly places: readonly MessagePlace[]
}

type Held<T extends ResponseItem['type']> = Extract<ResponseItem, { type: T }>
type Turn = { message: Record<string, unknown>; place: Place; calls: { call: object; place: Place }[] }

/**
 * Writes items as the messages of a chat request. What an answer said and the calls that stand behind it, which are
 * items of their own here, are one message there.
 */
export function conversationOf(items: readonly PlacedItem[]): ResponsesConversation {
  const turns: Turn[] = []
  for (const { item, place } of items) {
    const last = turns.at(-1)
    if (item.type !== 'function_call') turns.push({ message: messageOf(item), place, calls: [] })
    else if (last?.message['role'] === 'assistant') last.calls.push({ call: callOf(item), place })
    else turns.push({ message: { role: 'assistant', content: null }, place, calls: [{ call: callOf(item), place }] })
  }
  return {
    messages: turns.map(({ message, calls }) => {
      return calls.length === 0 ? message : { ...message, tool_calls: calls.map(({ call }) => call) }
    }),
    places: turns.map(({ place, calls }) => ({ ...place, calls: calls.map((call) => call.place) })),
  }
}

function callOf({ call_id: id, name, arguments: text }: Held<'function_call'>) {
  return { id, type: 'function', function: { name, arguments: text } }
}

function messageOf(item: Held<'message' | 'function_call_output'>): Record<string, unknown> {
  if (item.type === 'function_call_output') {
    const { output } = item
    const content = typeof output === 'string' ? output : output.map(partOf)
    return { role: 'tool', tool_call_id: item.call_id, content }
  }
  return { role: item.role, content: item.content.map(partOf) }
}

function partOf(part: Held<'message'>['content'][number]): object {
  switch (part.type) {
    case 'output_text':
      return { type: 'text', text: part.text }
    case 'input_image': {
      const { image_url, file_id, detail } = part
      const picture = image_url === null ? { file_id } : { image_url }
      return { type: 'input_image', ...picture, detail: detail === 'original' ? 'high' : detail }
    }
    default:
      return part
  }
}
