import { describe, expect, it } from 'vitest'
import { AppError } from '../../errors/index.ts'
import { checkSchema } from './check-schema.ts'

function faultOf(schema: unknown): AppError | undefined {
  try {
    checkSchema(schema, 'at')
  } catch (error) {
    if (AppError.isInstance(error)) return error
    throw error
  }
  return undefined
}

const integer = { type: 'integer' }
const object = (properties: object, more = {}) => ({ type: 'object', properties, ...more })
const kind = (value: string, more = {}) => object({ kind: { const: value }, ...more }, { required: ['kind'] })

describe('checkSchema', () => {
  it.each<[string, unknown]>([
    ['anything', true],
    ['an object in an object', object({ a: object({ b: { type: ['string', 'null'], maxLength: 3 } }) })],
    ['a map', { type: 'object', additionalProperties: integer, propertyNames: { type: 'string' } }],
    ['an object without its type', { properties: { a: integer }, required: ['a'] }],
    [
      'a list of a list',
      { type: 'array', items: { type: 'array', prefixItems: [integer], items: false }, minItems: 2 },
    ],
    ['a reference into itself', object({ next: { $ref: '#' }, x: { $ref: '#/$defs/x' } }, { $defs: { x: integer } })],
    ['one of the values', { type: ['string', 'null'], enum: ['a', null], default: 'a', description: 'x' }],
    ['schemas told by a value', { oneOf: [kind('a'), kind('b', { kind2: integer })] }],
    [
      'schemas told by what they demand',
      { oneOf: [object({ a: integer }, { required: ['a'] }), object({ b: integer }, { required: ['b'] })] },
    ],
    ['schemas of other types', { oneOf: [integer, { type: 'string' }, { type: 'null' }] }],
    [
      'schemas that are told behind references',
      {
        oneOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }],
        $defs: { a: kind('a'), b: kind('b') },
      },
    ],
    ['a property that has the name of a keyword', object({ not: integer, items: integer, $ref: { type: 'string' } })],
    ['bounds of an integer', { type: 'integer', minimum: -9007199254740991, exclusiveMaximum: 5 }],
    ['a format of numbers', { type: 'integer', format: 'int32' }],
    ['a format', { type: 'string', format: 'date-time' }],
    ['a pattern', { type: 'string', pattern: '^[A-Z]{2}\\d+$' }],
  ])('takes %s', (_, schema) => {
    expect(faultOf(schema)).toBeUndefined()
  })

  it.each<[unknown, string]>([
    [{ not: {} }, 'at.not'],
    [object({ a: { multipleOf: 2, type: 'integer' } }), 'at.properties.a.multipleOf'],
    [{ type: 'array', uniqueItems: true }, 'at.uniqueItems'],
    [{ type: 'array', items: [integer] }, 'at.items'],
    [{ allOf: [integer, integer] }, 'at.allOf'],
    [{ anyOf: [integer], minimum: 3 }, 'at.minimum'],
    [{ anyOf: [integer], type: 'integer' }, 'at.type'],
    [{ $ref: '#/$defs/a', minimum: 3, $defs: { a: integer } }, 'at.minimum'],
    [{ $ref: '#/$defs/b', $defs: { a: integer } }, 'at.$ref'],
    [{ $ref: 'https://example.com/x.json' }, 'at.$ref'],
    [{ const: 3, type: 'string' }, 'at.const'],
    [{ enum: [] }, 'at.enum'],
    [{ oneOf: [integer, { type: 'number' }] }, 'at.oneOf'],
    [{ oneOf: [kind('a'), kind('a')] }, 'at.oneOf'],
    [{ oneOf: [object({ a: integer }), object({ b: integer })] }, 'at.oneOf'],
    [{ minimum: 3 }, 'at.minimum'],
    [{ maxItems: 3 }, 'at.maxItems'],
    [{ pattern: 'a' }, 'at.pattern'],
    [{ type: 'number', minimum: 0 }, 'at.minimum'],
    [{ type: ['number', 'null'], exclusiveMaximum: 1 }, 'at.exclusiveMaximum'],
    [{ type: 'integer', minimum: 0.5 }, 'at.minimum'],
    [{ type: 'string', format: 'postcode' }, 'at.format'],
    [{ type: 'string', format: 'email', maxLength: 9 }, 'at.maxLength'],
    [{ type: 'string', pattern: 'a', minLength: 2 }, 'at.minLength'],
    [{ type: 'string', pattern: '(?=a)b' }, 'at.pattern'],
    [{ type: 'thing' }, 'at.type'],
    [object({ a: integer }, { required: ['a', 'b'] }), 'at.required[1]'],
    [object({ a: integer }, { patternProperties: { b: integer } }), 'at.patternProperties'],
    [{ type: 'object', patternProperties: { a: integer, b: integer } }, 'at.patternProperties'],
    [object({ a: integer }, { propertyNames: { pattern: 'b' } }), 'at.propertyNames'],
    [{ type: 'object', additionalProperties: integer, minProperties: 2 }, 'at.minProperties'],
    [object({ a: false }), 'at.properties.a'],
    [object({ a: 3 }), 'at.properties.a'],
    [{ type: 'object', additionalProperties: { if: {} } }, 'at.additionalProperties.if'],
    [{ prefixItems: [integer, { not: {} }] }, 'at.prefixItems[1].not'],
    [{ $defs: { a: { else: {} } } }, 'at.$defs.a.else'],
    [{ type: 'string', maxLength: 2.5 }, 'at.maxLength'],
    [[], 'at'],
  ])('refuses %j at %s', (schema, param) => {
    expect(faultOf(schema)).toMatchObject({ code: 'grammar.invalid', param })
    expect(faultOf(schema)?.detail).toMatch(/^at.*\.$/)
  })

  it('refuses what is too long before it compares each with each', () => {
    const names = Array.from({ length: 50_000 }, (_, at) => `name${at}`)
    const properties = Object.fromEntries(names.map((name) => [name, {}]))
    expect(faultOf({ type: 'object', properties, required: names })?.detail).toMatch(/^at: expected at most 65536 /)
  })

  it('refuses schemas in schemas without end before it follows them', () => {
    let deep: unknown = {}
    for (let level = 0; level < 100_000; level++) deep = { items: deep }
    expect(faultOf(deep)?.detail).toBe('at: expected at most 128 levels.')
  })
})
