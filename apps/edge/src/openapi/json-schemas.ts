import { z } from 'zod'
import { QUERIES, type QueryName, REPLIES, REQUESTS } from './components.ts'
import type { JsonSchema } from './json-schema.ts'
import { type SchemaNotes, withNotes } from './schema-notes.ts'

type Mutable = Record<string, unknown>
type Override = { readonly zodSchema: z.core.$ZodTypes; readonly jsonSchema: z.core.JSONSchema.BaseSchema }

/** Where the document has its schemas. */
export const SCHEMAS = '#/components/schemas/'

/** What every number that is an integer could be has to be told of none. */
const SAFE = new Set([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])

/** All named schemas of the document. */
export function namedSchemas(notes: SchemaNotes): Record<string, JsonSchema> {
  const all = { ...convert(REQUESTS, asSent), ...convert(REPLIES, tidy) }
  return Object.fromEntries(Object.entries(all).map(([name, schema]) => [name, withNotes(schema, notes.get(name))]))
}

/** The parameters of a query, each with its schema. */
export function queryParameters(name: QueryName, notes: SchemaNotes) {
  const schema = withNotes(z.toJSONSchema(QUERIES[name], { override: asSent }), notes.get(name))
  const { properties = {}, required = [] } = schema as z.core.JSONSchema.ObjectSchema // a query is an object
  return Object.entries(properties).map(([field, described]) => {
    const { description, ...of } = described as JsonSchema // none of them is a boolean
    const said = typeof description === 'string' ? { description } : {}
    return { name: field, in: 'query', required: required.includes(field), ...said, schema: of }
  })
}

function convert(named: Readonly<Record<string, z.ZodType>>, override: (found: Override) => void) {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id })
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `${SCHEMAS}${id}`, override })
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema as JsonSchema]),
  )
}

/**
 * What a client may send is converted as what comes out of the schema, for only that tells what lists hold whose length
 * is judged first (`boundedList`). What may be left out, and what is passed over, is told here.
 */
function asSent(found: Override): void {
  tidy(found)
  const { zodSchema } = found
  const json = found.jsonSchema as Mutable // zod's type of it is readonly in places
  const { def } = zodSchema._zod
  if (def.type === 'object') {
    const needed = Object.entries(def.shape).filter(([, field]) => field._zod.optin === undefined)
    if (needed.length > 0) json['required'] = needed.map(([name]) => name)
    else delete json['required']
    if (def.catchall === undefined) delete json['additionalProperties']
  }
  if (def.type === 'pipe' && def.in._zod.def.type === 'array') {
    const { minItems, maxItems } = z.toJSONSchema(def.in)
    Object.assign(json, minItems === 0 ? { maxItems } : { minItems, maxItems })
  }
}

/** Leaves out what says nothing. */
function tidy({ jsonSchema }: Override): void {
  const json = jsonSchema as Mutable // zod's type of it is readonly in places
  for (const bound of ['minimum', 'maximum']) if (SAFE.has(Number(json[bound]))) delete json[bound]
  if (isEmpty(json['additionalProperties'])) delete json['additionalProperties']
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
