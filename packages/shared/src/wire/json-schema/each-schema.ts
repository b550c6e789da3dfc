/** A JSON schema that is an object. */
export type JsonSchema = Record<string, unknown>

/** Keywords that hold a schema, a list of schemas, or schemas by name. */
const ONES = [
  'items',
  'additionalItems',
  'unevaluatedItems',
  'additionalProperties',
  'unevaluatedProperties',
  'contains',
  'not',
  'if',
  'then',
  'else',
]
const LISTS = ['prefixItems', 'anyOf', 'oneOf', 'allOf']
const MAPS = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']

/**
 * Visits a schema and those in it, outer ones first. What stands where a schema has to be and is none is passed over.
 *
 * @param at - the path of the schema
 */
export function eachSchema(schema: unknown, at: string, visit: (schema: JsonSchema, at: string) => void): void {
  if (!isSchema(schema)) return
  visit(schema, at)
  for (const [path, child] of children(schema)) eachSchema(child, `${at}${path}`, visit)
}

/** Whether a value is an object with keywords. */
export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What stands where schemas stand in a schema, with the way to it. */
export function children(schema: JsonSchema): [path: string, child: unknown][] {
  return [
    ...ONES.flatMap((keyword) => (schema[keyword] === undefined ? [] : [pair(`.${keyword}`, schema[keyword])])),
    ...LISTS.flatMap((keyword) => list(schema[keyword]).map((child, at) => pair(`.${keyword}[${at}]`, child))),
    ...MAPS.flatMap((keyword) => entries(schema[keyword]).map(([name, child]) => pair(`.${keyword}.${name}`, child))),
  ]
}

/** The same schema, with something else where schemas stand in it. The order of its keywords stays. */
export function mapChildren(schema: JsonSchema, change: (child: unknown) => unknown): JsonSchema {
  const changed = Object.entries(schema).map(([keyword, value]) => {
    if (ONES.includes(keyword)) return [keyword, change(value)]
    if (LISTS.includes(keyword)) return [keyword, Array.isArray(value) ? value.map(change) : value]
    if (!MAPS.includes(keyword) || !isSchema(value)) return [keyword, value]
    return [keyword, Object.fromEntries(Object.entries(value).map(([name, child]) => [name, change(child)]))]
  })
  return Object.fromEntries(changed)
}

function pair(path: string, child: unknown): [string, unknown] {
  return [path, child]
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function entries(value: unknown): [string, unknown][] {
  return isSchema(value) ? Object.entries(value) : []
}
