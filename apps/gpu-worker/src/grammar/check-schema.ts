import { AppError } from '@loupe/shared/errors'

/** Keywords that XGrammar passes over: an answer that silently ignores what was asked is worse than none. */
const IGNORED = [
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
]
/** Keywords that hold a schema, a list of schemas, or schemas by name. */
const SCHEMAS = ['items', 'additionalItems', 'unevaluatedItems', 'additionalProperties', 'unevaluatedProperties']
const LISTS = ['prefixItems', 'anyOf', 'oneOf', 'allOf']
const MAPS = ['properties', 'patternProperties', '$defs', 'definitions']

/**
 * Looks for what no rules are made of.
 *
 * @param schema - parsed JSON
 * @throws AppError `grammar.invalid` with the place of the first keyword that would have no effect
 */
export function checkSchema(schema: unknown, at = '$'): void {
  if (typeof schema === 'boolean') return
  if (!isRecord(schema)) throw new AppError('grammar.invalid', `${at}: expected a schema, found ${typeof schema}.`)
  const ignored = IGNORED.find((keyword) => schema[keyword] !== undefined && schema[keyword] !== false)
  if (ignored !== undefined) throw unsupported(`${at}.${ignored}`)
  if (asList(schema['allOf']).length > 1) throw unsupported(`${at}.allOf with several schemas`)
  for (const keyword of SCHEMAS) if (isRecord(schema[keyword])) checkSchema(schema[keyword], `${at}.${keyword}`)
  for (const keyword of LISTS) {
    for (const [index, part] of asList(schema[keyword]).entries()) checkSchema(part, `${at}.${keyword}[${index}]`)
  }
  for (const keyword of MAPS) {
    for (const [name, part] of Object.entries(schema[keyword] ?? {})) checkSchema(part, `${at}.${keyword}.${name}`)
  }
}

function unsupported(what: string): AppError {
  return new AppError('grammar.invalid', `${what.slice(0, 200)} is not supported.`)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
