import { movedBlame } from './moved-blame.ts'

/** Where something of a conversation stands in the request that brought it. */
export interface Place {
  /** A JSON path: `input[3]`, `input`, `instructions`, `previous_response_id`. */
  readonly at: string
  /** Nothing inside it has a path of its own: it was a text, or it is stored. */
  readonly isWhole: boolean
}

/** Where a message of a chat request comes from. */
export interface MessagePlace extends Place {
  /** Where its calls come from: each was an item of its own. */
  readonly calls: readonly Place[]
}

/** How fields of the chat API are called here. */
const RENAMED: readonly (readonly [RegExp, string])[] = [
  [/^max_completion_tokens$/, 'max_output_tokens'],
  [/^response_format(\.json_schema)?/, 'text.format'],
  [/^tools\[(\d+)\]\.function/, 'tools[$1]'],
  [/^tool_choice\.allowed_tools/, 'tool_choice'],
  [/^(tool_choice.*)\.function\.name$/, '$1.name'],
  [/^messages$/, 'input'],
]

/** The path in a request to the Responses API that a path of its chat request stands for. */
export function placeInResponses(param: string, places: readonly MessagePlace[]): string {
  const inMessage = /^messages\[(\d+)\](?:\.tool_calls\[(\d+)\])?(.*)$/.exec(param)
  const place = places[Number(inMessage?.[1])]
  if (inMessage === null || place === undefined) {
    return RENAMED.reduce((path, [pattern, name]) => path.replace(pattern, name), param)
  }
  const [, , call, inside = ''] = inMessage
  const source = (call === undefined ? undefined : place.calls[Number(call)]) ?? place
  if (source.isWhole) return source.at
  return `${source.at}${innerPath(inside, call !== undefined)}`
}

/** The path inside an item that a path inside a message, or one of its calls, stands for. */
function innerPath(inside: string, isCall: boolean): string {
  if (isCall) return inside === '.id' ? '.call_id' : inside.replace(/^\.function/, '')
  if (inside === '.tool_calls') return ''
  return inside === '.tool_call_id' ? '.call_id' : inside
}

/** A fault of the chat request, as a fault of the request that it was made from. */
export function blameInResponses(error: unknown, places: readonly MessagePlace[]): unknown {
  return movedBlame(error, (param) => placeInResponses(param, places))
}
