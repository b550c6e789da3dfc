import { isRefusedInMessages } from './anthropic-refused.ts'
import { countTokensRequest } from './anthropic-request.ts'
import { unknownFields } from './ignored-fields.ts'

/** What blocks have, here or in the answers that clients send back. */
const IN_BLOCKS = new Set([
  'type',
  'text',
  'citations',
  'source',
  'id',
  'name',
  'input',
  'caller',
  'tool_use_id',
  'content',
  'is_error',
  'cache_control',
])
const IN_TOOLS = new Set(['type', 'name', 'description', 'input_schema', 'strict', 'cache_control'])

/** The fields of a request that were accepted and have no effect, as JSON paths. */
export function ignoredInMessages(body: Readonly<Record<string, unknown>>): string[] {
  const { messages, system, tools, metadata, output_config: output } = body
  const isKnown = (field: string) => field in countTokensRequest.shape || isRefusedInMessages(field)
  return [
    ...unknownFields(body, isKnown),
    ...unknownFields(metadata, (field) => field === 'user_id').map((field) => `metadata.${field}`),
    ...unknownFields(output, (field) => field === 'format').map((field) => `output_config.${field}`),
    ...inList(tools, 'tools', IN_TOOLS),
    ...inList(system, 'system', IN_BLOCKS),
    ...listOf(messages).flatMap((message, index) => {
      const at = `messages[${index}]`
      const fields = unknownFields(message, (field) => field === 'role' || field === 'content')
      return [...fields.map((field) => `${at}.${field}`), ...inBlocks(fieldOf(message, 'content'), `${at}.content`)]
    }),
  ]
}

function inBlocks(content: unknown, at: string): string[] {
  const inner = listOf(content).flatMap((block, place) =>
    inList(fieldOf(block, 'content'), `${at}[${place}].content`, IN_BLOCKS),
  )
  return [...inList(content, at, IN_BLOCKS), ...inner]
}

function inList(values: unknown, at: string, known: ReadonlySet<string>): string[] {
  return listOf(values).flatMap((value, index) =>
    unknownFields(value, (field) => known.has(field)).map((field) => `${at}[${index}].${field}`),
  )
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
