import { unknownFields } from './ignored-fields.ts'

/** What items and their parts have, here or in the answers that clients send back. */
const IN_ITEMS = new Set(['type', 'id', 'status', 'role', 'content', 'call_id', 'name', 'arguments', 'output'])
const IN_PARTS = new Set(['type', 'text', 'refusal', 'image_url', 'file_id', 'detail', 'annotations', 'logprobs'])

/** The fields of the items of an input that were accepted and have no effect, as JSON paths. */
export function ignoredInInput(input: unknown): string[] {
  return listOf(input).flatMap((item, index) => {
    const at = `input[${index}]`
    const parts = (['content', 'output'] as const).flatMap((name) =>
      listOf(fieldOf(item, name)).flatMap((part, place) => {
        return unknownFields(part, (field) => IN_PARTS.has(field)).map((field) => `${at}.${name}[${place}].${field}`)
      }),
    )
    return [...unknownFields(item, (field) => IN_ITEMS.has(field)).map((field) => `${at}.${field}`), ...parts]
  })
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
