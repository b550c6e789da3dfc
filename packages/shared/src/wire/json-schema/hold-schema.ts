import { isSchema, type JsonSchema, mapChildren } from './each-schema.ts'
import { heldPattern, lengthPattern } from './held-pattern.ts'
import { TYPED, typesOf } from './schema-rules.ts'

/**
 * A schema that takes nothing but what the given one takes, and of which the grammar's compiler makes rules that hold an
 * answer to it:
 * - objects have no properties but those that are named, if any are: a further one could have the name of one of these;
 * - several types are several schemas: what belongs to one type counts with that type;
 * - a bound of an integer has another one beside it: of one alone the compiler makes wrong rules;
 * - a pattern is that of a whole string without escapes, and a length is a pattern.
 *
 * @param schema - one that `checkSchema` has let pass
 */
export function holdSchema(schema: unknown): unknown {
  if (!isSchema(schema)) return schema
  return splitTypes(narrowed(mapChildren(schema, holdSchema)))
}

function narrowed({ minLength, maxLength, ...schema }: JsonSchema): JsonSchema {
  const { pattern, properties, patternProperties, propertyNames, items, prefixItems } = schema
  const isList = typesOf(schema).includes('array') && items === undefined && prefixItems === undefined
  const hasLength = minLength !== undefined || maxLength !== undefined
  const isNamed = isSchema(properties) && Object.keys(properties).length > 0
  return {
    ...bounded(schema),
    ...(isList ? { items: {} } : {}),
    ...(isNamed ? closed(schema) : {}),
    ...(typeof pattern === 'string' ? { pattern: heldPattern(pattern) } : {}),
    ...(hasLength ? { pattern: lengthPattern(Number(minLength ?? 0), maxLength as number | undefined) } : {}),
    ...(isSchema(patternProperties) ? { patternProperties: heldKeys(patternProperties) } : {}),
    ...(propertyNames === undefined ? {} : heldNames(propertyNames, schema['additionalProperties'] ?? true)),
  }
}

function bounded({ minimum, maximum, exclusiveMinimum, exclusiveMaximum, ...schema }: JsonSchema): JsonSchema {
  const bounds = [minimum, maximum, exclusiveMinimum, exclusiveMaximum]
  if (bounds.every((bound) => bound === undefined)) return schema
  const least = [Number.MIN_SAFE_INTEGER, minimum ?? Number.MIN_SAFE_INTEGER]
  const most = [Number.MAX_SAFE_INTEGER, maximum ?? Number.MAX_SAFE_INTEGER]
  if (exclusiveMinimum !== undefined) least.push(Number(exclusiveMinimum) + 1)
  if (exclusiveMaximum !== undefined) most.push(Number(exclusiveMaximum) - 1)
  return { ...schema, minimum: Math.max(...least.map(Number)), maximum: Math.min(...most.map(Number)) }
}

function closed(schema: JsonSchema): JsonSchema {
  const open = ['additionalProperties', 'unevaluatedProperties'].filter((keyword) => schema[keyword] !== undefined)
  return Object.fromEntries(open.map((keyword) => [keyword, false]))
}

function heldKeys(patterns: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(patterns).map(([key, value]) => [heldPattern(key), value]))
}

/** Beside a rule for names the compiler forgets that of values: names by a pattern or a list say both. */
function heldNames(names: unknown, values: unknown): JsonSchema {
  const { pattern, enum: listed }: JsonSchema = isSchema(names) ? names : {}
  const free = { propertyNames: undefined, additionalProperties: values }
  if (values === false) return free
  if (typeof pattern === 'string') {
    return { ...free, additionalProperties: undefined, patternProperties: { [heldPattern(pattern) ?? '']: values } }
  }
  if (!Array.isArray(listed)) return free
  return { ...free, additionalProperties: false, properties: Object.fromEntries(listed.map((name) => [name, values])) }
}

function splitTypes(schema: JsonSchema): JsonSchema {
  const types = typesOf(schema)
  const isListed = schema['enum'] !== undefined || schema['const'] !== undefined
  if (types.length === 0 || isListed) return schema
  const [type, ...others] = types
  if (others.length === 0) return { ...schema, type }
  const typed = Object.values(TYPED).flat()
  const rest = Object.entries(schema).filter(([keyword]) => keyword !== 'type' && !typed.includes(keyword))
  return { ...Object.fromEntries(rest), anyOf: types.map((each) => ofType(schema, each)) }
}

function ofType(schema: JsonSchema, type: string): JsonSchema {
  const own = Object.entries(schema).filter(([keyword]) => TYPED[type]?.includes(keyword))
  return { type, ...Object.fromEntries(own) }
}
