import type { JsonSchema } from './each-schema.ts'
import { isSchema } from './each-schema.ts'
import { heldPattern } from './held-pattern.ts'

/** What is wrong with a schema: the keyword, and the rest of the sentence that begins with its path. */
export interface SchemaFault {
  readonly keyword: string
  readonly reason?: string
}

/** Keywords of which the library makes no rules. */
const WITHOUT_RULES = [
  'not',
  'if',
  'then',
  'else',
  'dependentRequired',
  'dependentSchemas',
  'dependencies',
  'multipleOf',
  'uniqueItems',
  'contains',
  'minContains',
  'maxContains',
  'additionalItems',
  '$dynamicRef',
  '$recursiveRef',
]
/** Keywords that apply to values of one type, by the type. */
export const TYPED: Readonly<Record<string, readonly string[]>> = {
  object: [
    'properties',
    'required',
    'additionalProperties',
    'patternProperties',
    'propertyNames',
    'unevaluatedProperties',
    'minProperties',
    'maxProperties',
  ],
  array: ['items', 'prefixItems', 'unevaluatedItems', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  boolean: [],
  null: [],
}
/** Keywords that stand alone: rules are made of the first of them and of nothing beside it. */
const ALONE = ['$ref', 'const', 'enum', 'anyOf', 'oneOf', 'allOf']
const COUNTS = [
  ['minLength', 'maxLength'],
  ['minItems', 'maxItems'],
  ['minProperties', 'maxProperties'],
] as const
const FORMATS = [
  'email',
  'date',
  'time',
  'date-time',
  'duration',
  'ipv4',
  'ipv6',
  'hostname',
  'uuid',
  'uri',
  'uri-reference',
  'uri-template',
  'json-pointer',
  'relative-json-pointer',
]

/** The first keyword of a schema that no rules hold an answer to; the schemas in it are not looked at. */
export function schemaFault(schema: JsonSchema): SchemaFault | undefined {
  const dead = WITHOUT_RULES.find((keyword) => schema[keyword] !== undefined && schema[keyword] !== false)
  if (dead !== undefined) return { keyword: dead }
  const alone = ALONE.find((keyword) => schema[keyword] !== undefined)
  if (alone !== undefined) return besideFault(schema, alone)
  const types = typesOf(schema)
  const unknown = types.find((type) => TYPED[type] === undefined)
  if (unknown !== undefined) return { keyword: 'type' }
  return (
    typelessFault(schema, types) ??
    objectFault(schema) ??
    countFault(schema) ??
    numberFault(schema, types) ??
    stringFault(schema)
  )
}

/** The types that a schema names, or the one that its keywords are of. */
export function typesOf({ type, ...schema }: JsonSchema): readonly string[] {
  if (typeof type === 'string') return [type]
  if (Array.isArray(type)) return type.map(String)
  const meant = ['object', 'array'].filter((each) => {
    return (TYPED[each] ?? []).some((keyword) => !/^m/.test(keyword) && schema[keyword] !== undefined)
  })
  return meant.length === 1 ? meant : []
}

function besideFault(schema: JsonSchema, alone: string): SchemaFault | undefined {
  const typed = Object.values(TYPED).flat()
  const values = alone === 'const' ? [schema['const']] : schema['enum']
  if ((alone === 'const' || alone === 'enum') && schema['type'] !== undefined) {
    const misfit = Array.isArray(values) && values.some((value) => !fits(value, typesOf(schema)))
    if (misfit) return { keyword: alone, reason: 'holds a value of another type' }
  }
  const beside = [...ALONE, ...typed, ...(Array.isArray(values) ? [] : ['type'])].find((keyword) => {
    return keyword !== alone && schema[keyword] !== undefined
  })
  if (beside !== undefined) return { keyword: beside, reason: `is not supported beside ${alone}` }
  if (alone === 'enum' && !(Array.isArray(values) && values.length > 0)) return { keyword: 'enum' }
  return Array.isArray(schema['allOf']) && schema['allOf'].length > 1
    ? { keyword: 'allOf', reason: 'is not supported with several schemas' }
    : undefined
}

function fits(value: unknown, types: readonly string[]): boolean {
  if (value === null) return types.includes('null')
  if (Array.isArray(value)) return types.includes('array')
  if (typeof value === 'number') return types.includes('number') || (types.includes('integer') && value % 1 === 0)
  return types.includes(typeof value)
}

/** Of keywords without a type no rules are made, but for those that make an object or a list of it. */
function typelessFault(schema: JsonSchema, types: readonly string[]): SchemaFault | undefined {
  if (types.length > 0) return undefined
  const keyword = Object.values(TYPED)
    .flat()
    .find((each) => schema[each] !== undefined)
  return keyword === undefined ? undefined : { keyword, reason: 'is not supported without "type"' }
}

function objectFault(schema: JsonSchema): SchemaFault | undefined {
  const { properties, required } = schema
  const names = isSchema(properties) ? Object.keys(properties) : []
  const missing = Array.isArray(required) ? required.findIndex((name) => !names.includes(String(name))) : -1
  if (missing >= 0) return { keyword: `required[${missing}]`, reason: 'is not one of the properties' }
  if (names.length === 0) return mapFault(schema)
  const rule = ['patternProperties', 'propertyNames'].find((each) => schema[each] !== undefined)
  return rule === undefined ? undefined : beside(rule, 'properties')
}

/** Of an object whose properties have no names of their own. */
function mapFault(schema: JsonSchema): SchemaFault | undefined {
  const { patternProperties: patterns, unevaluatedProperties: rest = false, minProperties: least = 0 } = schema
  const other = ['propertyNames', 'additionalProperties'].find((each) => (schema[each] ?? false) !== false)
  if (patterns !== undefined && other !== undefined) return beside('patternProperties', other)
  const nameFault = patternsFault(patterns) ?? namesFault(schema['propertyNames'])
  if (nameFault !== undefined) return nameFault
  if (rest !== false) return { keyword: 'unevaluatedProperties' }
  // A name that is written twice counts once.
  const mayRepeat = Number(least) > 1
  return mayRepeat ? { keyword: 'minProperties', reason: 'above 1 is not supported without properties' } : undefined
}

function patternsFault(patterns: unknown): SchemaFault | undefined {
  const keys = isSchema(patterns) ? Object.keys(patterns) : []
  if (keys.length > 1) return { keyword: 'patternProperties', reason: 'is not supported with several patterns' }
  const unheld = keys.find((key) => heldPattern(key) === undefined)
  return unheld === undefined ? undefined : { keyword: `patternProperties.${unheld}` }
}

/** Of a schema of names a pattern or a list of names is held. */
function namesFault(names: unknown): SchemaFault | undefined {
  if (!isSchema(names)) return names === undefined || names === true ? undefined : { keyword: 'propertyNames' }
  const { type = 'string', pattern = '', enum: listed = [], ...rest } = names
  const isHeld = type === 'string' && typeof pattern === 'string' && heldPattern(pattern) !== undefined
  const isNamed = Array.isArray(listed) && listed.every((name) => typeof name === 'string')
  const known = [...ALONE, ...Object.values(TYPED).flat()]
  const other = Object.keys(rest).find((keyword) => known.includes(keyword) || WITHOUT_RULES.includes(keyword))
  if (!isHeld || !isNamed || (pattern !== '' && listed.length > 0)) return { keyword: 'propertyNames' }
  return other === undefined ? undefined : { keyword: `propertyNames.${other}` }
}

/** Whether an object may have properties that it does not name. */
function isOpenMap({ additionalProperties: rest = false, patternProperties, propertyNames }: JsonSchema): boolean {
  return rest !== false || patternProperties !== undefined || propertyNames !== undefined
}

/** Counts are whole numbers, and a least one is not above the most. */
function countFault(schema: JsonSchema): SchemaFault | undefined {
  const odd = COUNTS.flat().find((keyword) => {
    const count = schema[keyword] ?? 0
    return !Number.isSafeInteger(count) || Number(count) < 0
  })
  if (odd !== undefined) return { keyword: odd, reason: 'is not a whole number of at least 0' }
  const { properties, prefixItems, required } = schema
  const names = isSchema(properties) ? Object.keys(properties).length : 0
  const first = Array.isArray(prefixItems) ? prefixItems.length : 0
  const needed = { minLength: 0, minItems: first, minProperties: Array.isArray(required) ? required.length : 0 }
  const possible = {
    maxLength: Number.POSITIVE_INFINITY,
    maxItems: first > 0 && !isSchema(schema['items']) && schema['items'] !== true ? first : Number.POSITIVE_INFINITY,
    maxProperties: names === 0 && isOpenMap(schema) ? Number.POSITIVE_INFINITY : names,
  }
  const crossed = COUNTS.find(([least, most]) => {
    const most_ = Math.min(Number(schema[most] ?? Number.POSITIVE_INFINITY), possible[most])
    return Math.max(Number(schema[least] ?? 0), needed[least]) > most_
  })
  if (crossed === undefined) return undefined
  return { keyword: crossed.find((each) => schema[each] !== undefined) ?? crossed[0], reason: 'leaves nothing' }
}

function numberFault(schema: JsonSchema, types: readonly string[]): SchemaFault | undefined {
  const keyword = (TYPED['integer'] ?? []).find((each) => schema[each] !== undefined)
  if (keyword === undefined) return undefined
  if (types.includes('number')) return { keyword, reason: 'is supported for integers only' }
  const least = Math.max(Number(schema['minimum'] ?? -Infinity), Number(schema['exclusiveMinimum'] ?? -Infinity) + 1)
  const most = Math.min(Number(schema['maximum'] ?? Infinity), Number(schema['exclusiveMaximum'] ?? Infinity) - 1)
  if (least > most) return { keyword, reason: 'leaves nothing' }
  return Number.isSafeInteger(schema[keyword]) ? undefined : { keyword, reason: 'is not a whole number' }
}

function stringFault(schema: JsonSchema): SchemaFault | undefined {
  const { pattern, format } = schema
  if (Array.isArray(schema['items'])) return { keyword: 'items', reason: 'is not supported as a list; use prefixItems' }
  if (format !== undefined && !isNumeric(schema) && !FORMATS.includes(String(format))) return { keyword: 'format' }
  const [sole, ...others] = ['pattern', 'format', 'minLength', 'maxLength'].filter((each) => schema[each] !== undefined)
  const [other] = others
  if ((sole === 'pattern' || sole === 'format') && other !== undefined) return beside(other, sole)
  if (pattern === undefined || (typeof pattern === 'string' && heldPattern(pattern) !== undefined)) return undefined
  return { keyword: 'pattern', reason: 'is not supported: it looks around, or needs an escape in JSON' }
}

/** `int32`, `double`: of numbers `format` says how they are kept. */
function isNumeric(schema: JsonSchema): boolean {
  return typesOf(schema).every((type) => type === 'integer' || type === 'number')
}

function beside(keyword: string, other: string): SchemaFault {
  return { keyword, reason: `is not supported beside ${other}` }
}
