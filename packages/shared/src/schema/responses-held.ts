import { AppError } from '../errors/index.ts'
import type { InputItem, ResponseItem } from './responses-items.ts'

/** Makes an id that begins so. */
export type MakeId = (prefix: 'msg' | 'fc' | 'fco') => string

/** An item that a request brings itself. */
export type SentItem = Exclude<InputItem, { type: 'item_reference' }>
type SentParts = Exclude<Extract<SentItem, { role: unknown }>['content'], string>
type HeldParts = Extract<ResponseItem, { type: 'message'; role: 'user' | 'system' | 'developer' }>['content']
type AnswerParts = Extract<ResponseItem, { role: 'assistant' }>['content']

/**
 * An item with all its fields: ids, states and the form of content are there in one way only.
 *
 * @param at - its JSON path, for errors
 * @throws AppError `request.invalid` for a picture without an address or a file
 */
export function holdItem(item: SentItem, at: string, makeId: MakeId): ResponseItem {
  const status = item.status ?? 'completed'
  switch (item.type) {
    case 'function_call': {
      const { call_id, name, arguments: text } = item
      return { id: item.id ?? makeId('fc'), type: item.type, status, call_id, name, arguments: text }
    }
    case 'function_call_output': {
      const output = typeof item.output === 'string' ? item.output : holdParts(item.output, `${at}.output`)
      return { id: item.id ?? makeId('fco'), type: item.type, status, call_id: item.call_id, output }
    }
    default: {
      const { role, content } = item
      const id = item.id ?? makeId('msg')
      if (role === 'assistant') return { id, type: 'message', status, role, content: holdAnswer(content) }
      const parts = typeof content === 'string' ? [{ type: 'input_text', text: content } as const] : content
      return { id, type: 'message', status, role, content: holdParts(parts, `${at}.content`) }
    }
  }
}

function holdParts(parts: SentParts, at: string): HeldParts {
  return parts.map((part, place) => {
    if (part.type === 'output_text') return { type: 'input_text', text: part.text }
    if (part.type === 'refusal') return { type: 'input_text', text: part.refusal }
    if (part.type === 'input_text') return { type: part.type, text: part.text }
    const { type, image_url = null, file_id = null, detail } = part
    if ((image_url === null) === (file_id === null)) {
      const param = `${at}[${place}]`
      throw new AppError('request.invalid', `${param}: expected either "image_url" or "file_id".`, { param })
    }
    return { type, image_url, file_id, detail: detail ?? 'auto' }
  })
}

/** Pictures are refused in what the assistant said before this is called. */
function holdAnswer(content: string | SentParts): AnswerParts {
  const parts = typeof content === 'string' ? [{ type: 'output_text', text: content } as const] : content
  return parts.flatMap((part): AnswerParts => {
    if (part.type === 'refusal') return [{ type: part.type, refusal: part.refusal }]
    return part.type === 'input_image' ? [] : [{ type: 'output_text', text: part.text, annotations: [], logprobs: [] }]
  })
}
