import type { JsonSchema } from './json-schema.ts'

/** What is said of a part of a schema. */
export interface SchemaNote {
  /** Where it stands in the JSON schema: `['properties', 'model']`. */
  readonly at: readonly (string | number)[]
  readonly text: string
}

/** What is said of schemas, by their names. */
export type SchemaNotes = ReadonlyMap<string, readonly SchemaNote[]>

/** The schema with what is said of it as its descriptions. What is said of the inside of a bare type is left out. */
export function withNotes(schema: JsonSchema, notes: readonly SchemaNote[] = []): JsonSchema {
  const whole = structuredClone(schema)
  for (const { at, text } of notes) {
    const part = partAt(whole, at)
    if (part !== undefined) Object.assign(part, { description: text })
  }
  return whole
}

function partAt(schema: object, at: SchemaNote['at']): object | undefined {
  return at.reduce<object | undefined>((part, step) => {
    const inner: unknown =
      part === undefined ? undefined : Object.entries(part).find(([key]) => key === String(step))?.[1]
    return typeof inner === 'object' && inner !== null ? inner : undefined
  }, schema)
}
