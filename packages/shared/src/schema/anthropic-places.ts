import { movedBlame } from './moved-blame.ts'

/** Where a message of a chat request comes from in a request for a message, as JSON paths. */
export interface AnthropicPlace {
  /** `messages[3]`, `system`, or the block of a result. */
  readonly at: string
  /** Of each part of its content. */
  readonly parts: readonly string[]
  /** Of each call. */
  readonly calls: readonly string[]
}

/** How fields of the chat API are called here. */
const RENAMED: readonly (readonly [RegExp, string])[] = [
  [/^stop(?=$|\[)/, 'stop_sequences'],
  [/^response_format(\.json_schema)?/, 'output_config.format'],
  [/^tools\[(\d+)\]\.function/, 'tools[$1]'],
  [/^(tools\[\d+\])\.parameters/, '$1.input_schema'],
  [/^tool_choice\.function/, 'tool_choice'],
  [/^parallel_tool_calls$/, 'tool_choice.disable_parallel_tool_use'],
  [/^user$/, 'metadata.user_id'],
  [/^(continue_final_message|add_generation_prompt)$/, 'messages'],
]

/** The path in a request for a message that a path of its chat request stands for. */
export function placeInMessages(param: string, places: readonly AnthropicPlace[]): string {
  const [, index, inside = ''] = /^messages\[(\d+)\](.*)$/.exec(param) ?? []
  const place = places[Number(index)]
  if (place === undefined) return RENAMED.reduce((path, [pattern, name]) => path.replace(pattern, name), param)
  const [, list, number, rest = ''] = /^\.(content|tool_calls)\[(\d+)\](.*)$/.exec(inside) ?? []
  const found = (list === 'content' ? place.parts : place.calls)[Number(number)]
  if (found === undefined) return `${place.at}${ofMessage(inside)}`
  return `${found}${list === 'content' ? ofPart(rest) : ofCall(rest)}`
}

function ofMessage(inside: string): string {
  if (inside === '.tool_call_id') return '.tool_use_id'
  return inside === '.tool_calls' ? '.content' : inside
}

function ofPart(inside: string): string {
  if (inside.startsWith('.image_url')) return '.source'
  return inside === '.file_id' ? '.source.file_id' : inside
}

function ofCall(inside: string): string {
  return inside.replace(/^\.function/, '').replace(/^\.arguments/, '.input')
}

/** A fault of the chat request, as a fault of the request that it was made from. */
export function blameInMessages(error: unknown, places: readonly AnthropicPlace[]): unknown {
  return movedBlame(error, (param) => placeInMessages(param, places))
}
