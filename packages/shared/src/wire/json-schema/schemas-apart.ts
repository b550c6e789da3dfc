import { isSchema, type JsonSchema } from './each-schema.ts'
import { typesOf } from './schema-rules.ts'

/** Whether no value that is made by one of two schemas is taken by the other, as far as that can be seen from outside. */
export function areApart(one: JsonSchema, other: JsonSchema): boolean {
  const [values, others] = [valuesOf(one), valuesOf(other)]
  if (values !== undefined && others !== undefined) return haveNoneInCommon(values, others)
  const [types, otherTypes] = [kinds(one, values), kinds(other, others)]
  if (types.length > 0 && otherTypes.length > 0 && haveNoneInCommon(types, otherTypes)) return true
  return (lacksOf(one, other) && lacksOf(other, one)) || areTold(one, other)
}

/** Values that a schema lists, as JSON. */
function valuesOf({ const: only, enum: listed }: JsonSchema): string[] | undefined {
  if (only !== undefined) return [JSON.stringify(only)]
  return Array.isArray(listed) ? listed.map((value) => JSON.stringify(value)) : undefined
}

function kinds(schema: JsonSchema, values: readonly string[] | undefined): readonly string[] {
  const types = values?.map((value) => typeOf(JSON.parse(value))) ?? typesOf(schema)
  return types.map((type) => (type === 'integer' ? 'number' : type))
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** Answers have no properties but those that are named: does the other schema demand one that this one has not? */
function lacksOf(one: JsonSchema, other: JsonSchema): boolean {
  const names = Object.keys(propertiesOf(one))
  return names.length > 0 && requiredOf(other).some((name) => !names.includes(name))
}

/** Is there a property that both demand, with other values each? */
function areTold(one: JsonSchema, other: JsonSchema): boolean {
  const both = requiredOf(one).filter((name) => requiredOf(other).includes(name))
  return both.some((name) => {
    const [a, b] = [propertiesOf(one)[name], propertiesOf(other)[name]]
    const [values, others] = [isSchema(a) ? valuesOf(a) : undefined, isSchema(b) ? valuesOf(b) : undefined]
    return values !== undefined && others !== undefined && haveNoneInCommon(values, others)
  })
}

function propertiesOf({ properties }: JsonSchema): JsonSchema {
  return isSchema(properties) ? properties : {}
}

function requiredOf({ required }: JsonSchema): readonly string[] {
  return Array.isArray(required) ? required.map(String) : []
}

function haveNoneInCommon(some: readonly string[], others: readonly string[]): boolean {
  return !some.some((each) => others.includes(each))
}
