import { AppError } from '../errors/index.ts'

/** A field that is not offered, and which of its values ask for nothing. */
interface Refused {
  readonly field: string
  isHarmless(value: unknown): boolean
}

const isOneOf =
  (...harmless: readonly unknown[]) =>
  (value: unknown): boolean =>
    harmless.includes(value)
const isEmpty = (value: unknown): boolean => typeof value === 'object' && Object.keys(value ?? {}).length === 0

/** What would change the answer, or how it is had, and is not offered. Null never asks for anything. */
const REFUSED: readonly Refused[] = [
  { field: 'background', isHarmless: isOneOf(false) },
  { field: 'conversation', isHarmless: isOneOf() },
  { field: 'prompt', isHarmless: isOneOf() },
  { field: 'truncation', isHarmless: isOneOf('disabled') },
  { field: 'reasoning', isHarmless: asksForNoReasoning },
  { field: 'max_tool_calls', isHarmless: isOneOf() },
  { field: 'moderation', isHarmless: isOneOf() },
  { field: 'context_management', isHarmless: isEmpty },
  { field: 'n', isHarmless: isOneOf(1) },
  { field: 'messages', isHarmless: isOneOf() },
  { field: 'response_format', isHarmless: isOneOf() },
  { field: 'max_tokens', isHarmless: isOneOf() },
]

const KNOWN_ITEMS = ['message', 'function_call', 'function_call_output', 'item_reference']
const KNOWN_PARTS = ['input_text', 'input_image', 'output_text', 'refusal']

/**
 * Looks for features that are not offered, before the schema is applied: their refusal must name the feature, not the
 * type it should have had.
 *
 * @throws AppError `request.unsupported` with the `param` of the first one
 */
export function refuseInResponses(body: Readonly<Record<string, unknown>>): void {
  for (const { field, isHarmless } of REFUSED) {
    const value = body[field]
    if (value === undefined || value === null || isHarmless(value)) continue
    const hint = field === 'truncation' ? ' but as "disabled": a conversation that is too long is refused' : ''
    throw refusal(field, `"${field}" is not offered by this server${hint}.`)
  }
  const verbosity = fieldOf(body['text'], 'verbosity')
  if (verbosity !== undefined && verbosity !== null && verbosity !== 'medium') {
    throw refusal('text.verbosity', '"text.verbosity" is not offered by this server.')
  }
  refuseTools(body['tools'], body['tool_choice'])
  listOf(body['input']).forEach(refuseInItem)
}

/** True for a field that is looked at here, so that it counts as known. */
export function isRefusedInResponses(field: string): boolean {
  return REFUSED.some((refused) => refused.field === field)
}

/** Its own tools: each is a service of OpenAI's. */
function refuseTools(tools: unknown, choice: unknown): void {
  listOf(tools).forEach((tool, index) => {
    refuseType(tool, `tools[${index}].type`, ['function'], 'Tools')
  })
  refuseType(choice, 'tool_choice.type', ['function', 'allowed_tools'], 'Choices')
}

function refuseInItem(item: unknown, index: number): void {
  const at = `input[${index}]`
  refuseType(item, `${at}.type`, KNOWN_ITEMS, 'Items')
  const isOutput = fieldOf(item, 'type') === 'function_call_output'
  const name = isOutput ? 'output' : 'content'
  listOf(fieldOf(item, name)).forEach((part, place) => {
    refuseType(part, `${at}.${name}[${place}].type`, KNOWN_PARTS, 'Parts')
    const role = fieldOf(item, 'role')
    if (fieldOf(part, 'type') !== 'input_image' || isOutput || role === 'user') return
    throw refusal(
      `${at}.${name}[${place}]`,
      `Pictures are taken in user messages only, not in ${shortened(role)} messages.`,
    )
  })
}

function refuseType(value: unknown, param: string, known: readonly string[], what: string): void {
  const type = fieldOf(value, 'type')
  if (typeof type !== 'string' || known.includes(type)) return
  throw refusal(param, `${what} of the type "${shortened(type)}" are not offered by this server.`)
}

function asksForNoReasoning(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { effort, ...others } = value as Readonly<Record<string, unknown>> // an object: looked at above
  const isNone = effort === undefined || effort === null || effort === 'none'
  return isNone && Object.values(others).every((other) => other === null || other === undefined)
}

/** Only a text is quoted: a list in a list in a list, or an object that calls something else `toString`, has none. */
function shortened(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 64) : typeof value
}

function refusal(param: string, detail: string): AppError {
  return new AppError('request.unsupported', detail, { param })
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
