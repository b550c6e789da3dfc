import type { DocumentedApi, Json } from '../../contract/openapi/documented-api.ts'
import type { Random } from '../random.ts'
import { DEEP_MARKS } from './spoil.ts'

/** What is likely to be taken for a field of this name; undefined leaves it to its schema. */
export type Hint = (field: string, random: Random) => unknown

/** How values are made. */
export interface ValueOptions {
  readonly api: DocumentedApi
  readonly random: Random
  readonly hint: Hint
}

/** How often a field that may be left out is there. */
const OPTIONAL = 0.07
const DEEPEST = 8

/** A value that fits a schema of the document, as far as its keywords are known here. */
export function schemaValue(schema: Json, options: ValueOptions, depth = 0): unknown {
  const { random, api } = options
  if (typeof schema['$ref'] === 'string') return schemaValue(resolve(api, schema['$ref']), options, depth)
  const choices = (schema['anyOf'] ?? schema['oneOf']) as readonly Json[] | undefined
  if (choices !== undefined) return schemaValue(random.pick(choices), options, depth)
  if ('const' in schema) return schema['const']
  if (Array.isArray(schema['enum'])) return random.pick<unknown>(schema['enum'])
  const types = [schema['type'] ?? []].flat()
  switch (types.length === 0 ? undefined : random.pick<unknown>(types)) {
    case 'object':
      return objectValue(schema, options, depth)
    case 'array':
      return arrayValue(schema, options, depth)
    case 'string':
      return stringValue(schema, random)
    case 'integer':
      return Math.round(numberValue(schema, random))
    case 'number':
      return numberValue(schema, random)
    case 'boolean':
      return random.chance(0.5)
    case 'null':
      return null
    default:
      return anyValue(random)
  }
}

/** Something for a field that takes anything. */
export function anyValue(random: Random): unknown {
  return random.pick<unknown>([
    null,
    true,
    3,
    'a',
    [],
    {},
    { type: 'object' },
    { type: 'string' },
    ...DEEP_MARKS.map(([mark]) => mark),
  ])
}

/** What a reference refers to. */
function resolve({ document }: DocumentedApi, reference: string): Json {
  const steps = reference.replace(/^#\//, '').split('/')
  return steps.reduce<Json>((part, step) => part[step] as Json, document) // a test follows all references
}

function objectValue(schema: Json, options: ValueOptions, depth: number): Json {
  const { random, hint } = options
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Json>>
  const required = (schema['required'] ?? []) as readonly string[]
  const made: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(properties)) {
    if (!required.includes(name) && (depth > DEEPEST || !random.chance(OPTIONAL))) continue
    const likely = random.chance(0.9) ? hint(name, random) : undefined
    made[name] = likely === undefined ? schemaValue(field, options, depth + 1) : likely
  }
  const rest = schema['additionalProperties']
  if (typeof rest === 'object' && rest !== null && random.chance(0.5)) {
    const names = (schema['propertyNames'] ?? { type: 'string', maxLength: 8 }) as Json
    made[String(schemaValue(names, options, depth + 1))] = schemaValue(rest as Json, options, depth + 1)
  }
  return made
}

function arrayValue(schema: Json, options: ValueOptions, depth: number): unknown[] {
  const least = Number(schema['minItems'] ?? 0)
  const most = Math.min(Number(schema['maxItems'] ?? 3), least + (depth > 3 ? 1 : 2))
  const items = (schema['items'] ?? {}) as Json
  const length = options.random.between(least, Math.max(least, most))
  return Array.from({ length }, () => schemaValue(items, options, depth + 1))
}

/** Texts for the patterns that the document has. */
const MATCHING: readonly (readonly [part: string, texts: readonly string[]])[] = [
  ['\\d{1,9}', ['0', '7', '123456789']],
  ['image\\/', ['image/png', 'image/x.y+z']],
  ['@-', ['acme', 'a.b@c-d_e']],
  ['\\w', ['f', 'get_weather', 'a.b-c']],
  ['A-Za-z0-9+', ['', 'aGVsbG8=']],
]

const WORDS = [
  'a',
  'red',
  'What is this?',
  'é',
  '🙂',
  '\u0000',
  '<end_of_turn>',
  '\ud800',
  '{"a": 1}',
  '¡ ',
  'x'.repeat(40),
]

function stringValue({ pattern, minLength = 0, maxLength = 1000 }: Json, random: Random): string {
  if (typeof pattern === 'string') {
    const known = MATCHING.find(([part]) => pattern.includes(part))
    if (known !== undefined) return random.pick(known[1])
  }
  const text = random.pick(WORDS)
  const fitting = text.length < Number(minLength) ? 'a'.repeat(Number(minLength)) : text
  return [...fitting].slice(0, Number(maxLength)).join('')
}

function numberValue(schema: Json, random: Random): number {
  const low = Number(schema['minimum'] ?? schema['exclusiveMinimum'] ?? -10)
  const high = Number(schema['maximum'] ?? schema['exclusiveMaximum'] ?? Math.max(low, 0) + 1000)
  const step = schema['exclusiveMinimum'] === undefined ? 0 : (high - low) / 1024
  const draw = random.chance(0.3)
    ? random.pick([low + step, high])
    : low + step + (random.below(1025) / 1024) * (high - low - step)
  return Math.min(draw, high)
}
