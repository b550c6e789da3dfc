import { AppError } from '../errors/index.ts'

/** A field that is not offered, and which of its values ask for nothing. */
interface Refused {
  readonly field: string
  isHarmless(value: unknown): boolean
  /** What a client that can do without it looks for. */
  readonly facts?: Readonly<Record<string, unknown>>
}

const isOneOf =
  (...harmless: readonly unknown[]) =>
  (value: unknown): boolean =>
    harmless.includes(value)
const isEmpty = (value: unknown): boolean => typeof value === 'object' && Object.keys(value ?? {}).length === 0

/** Anthropic's client sends the whole conversation instead, once it reads this; its runner of tools asks for a thread first. */
const WITHOUT_THREAD = { error_code: 'thread_unsupported_request', unsupported: ['thread'] }

/** What would change the answer, or where it is made, and is not offered. Null never asks for anything. */
const REFUSED: readonly Refused[] = [
  { field: 'container', isHarmless: isOneOf() },
  { field: 'context_management', isHarmless: isEmpty },
  { field: 'mcp_servers', isHarmless: isEmpty },
  { field: 'inference_geo', isHarmless: isOneOf() },
  { field: 'output_format', isHarmless: isOneOf() },
  { field: 'speed', isHarmless: isOneOf('standard') },
  { field: 'thinking', isHarmless: (value) => fieldOf(value, 'type') === 'disabled' },
  { field: 'thread', isHarmless: isOneOf(), facts: WITHOUT_THREAD },
]

/** More blocks than this in all messages together are no conversation: each is looked at, and each fault is an object. */
const MOST_BLOCKS = 8192

/**
 * Looks for features that are not offered, before the schema is applied: their refusal must name the feature, not the
 * type it should have had.
 *
 * @throws AppError `request.unsupported` with the `param` of the first one; `request.invalid` for too many blocks
 */
export function refuseInMessages(body: Readonly<Record<string, unknown>>): void {
  for (const { field, isHarmless, facts } of REFUSED) {
    const value = body[field]
    if (value === undefined || value === null || isHarmless(value)) continue
    throw refusal(field, `"${field}" is not offered by this server${HINTS[field] ?? ''}.`, facts)
  }
  const { messages, system, tools } = body
  checkBlockCount(messages)
  listOf(tools).forEach((tool, index) => {
    refuseType(tool, { param: `tools[${index}].type`, known: ['custom'], what: 'Tools' })
  })
  listOf(system).forEach((block, index) => {
    refuseType(block, { param: `system[${index}].type`, known: ['text'], what: 'Blocks' })
  })
  listOf(messages).forEach(refuseInMessage)
}

/** True for a field that is looked at here, so that it counts as known. */
export function isRefusedInMessages(field: string): boolean {
  return REFUSED.some((refused) => refused.field === field)
}

const HINTS: Readonly<Record<string, string>> = {
  thinking: ' but as {"type": "disabled"}',
  output_format: '; use "output_config.format"',
}

function refuseInMessage(message: unknown, index: number): void {
  listOf(fieldOf(message, 'content')).forEach((block, place) => {
    const at = `messages[${index}].content[${place}]`
    refuseType(block, { param: `${at}.type`, known: ['text', 'image', 'tool_use', 'tool_result'], what: 'Blocks' })
    if (fieldOf(block, 'type') !== 'tool_result') return
    listOf(fieldOf(block, 'content')).forEach((inner, position) => {
      refuseType(inner, { param: `${at}.content[${position}].type`, known: ['text', 'image'], what: 'Blocks' })
    })
  })
}

interface Known {
  readonly param: string
  readonly known: readonly string[]
  readonly what: string
}

function refuseType(value: unknown, { param, known, what }: Known): void {
  const type = fieldOf(value, 'type')
  if (typeof type !== 'string' || known.includes(type)) return
  throw refusal(param, `${what} of the type "${type.slice(0, 64)}" are not offered by this server.`)
}

function checkBlockCount(messages: unknown): void {
  const blocks = listOf(messages).flatMap((message) => listOf(fieldOf(message, 'content')))
  const inner = blocks.reduce((sum: number, block) => sum + listOf(fieldOf(block, 'content')).length, 0)
  const found = blocks.length + inner
  if (found <= MOST_BLOCKS) return
  const detail = `messages: expected at most ${MOST_BLOCKS} content blocks, found ${found}.`
  throw new AppError('request.invalid', detail, { param: 'messages' })
}

function refusal(param: string, detail: string, facts?: Refused['facts']): AppError {
  return new AppError('request.unsupported', detail, { param, ...(facts === undefined ? {} : { facts }) })
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
