import { describe, expect, it } from 'vitest'
import { holdSchema } from './hold-schema.ts'

const SAFE = '[^"\\\\\\x00-\\x1f]'

describe('holdSchema', () => {
  it.each<[string, unknown, unknown]>([
    [
      'closes an object that names its properties',
      { type: 'object', properties: { a: true }, additionalProperties: true },
      { type: 'object', properties: { a: true }, additionalProperties: false },
    ],
    [
      'leaves a map open',
      { type: 'object', additionalProperties: true },
      { type: 'object', additionalProperties: true },
    ],
    [
      'gives one bound another',
      { type: 'integer', minimum: 3 },
      { type: 'integer', minimum: 3, maximum: 9007199254740991 },
    ],
    [
      'makes one bound of two',
      { type: 'integer', minimum: 3, exclusiveMinimum: 4, exclusiveMaximum: 9 },
      { type: 'integer', minimum: 5, maximum: 8 },
    ],
    ['makes a pattern of a length', { type: 'string', minLength: 2 }, { type: 'string', pattern: `${SAFE}{2,}` }],
    ['frames a pattern', { type: 'string', pattern: '^a|b$' }, { type: 'string', pattern: '(?:a|b)' }],
    [
      'splits types, each with its own keywords',
      { type: ['string', 'null'], maxLength: 3, minimum: 1, description: 'x' },
      { description: 'x', anyOf: [{ type: 'string', pattern: `${SAFE}{0,3}` }, { type: 'null' }] },
    ],
    ['gives a type to what has none', { properties: { a: true } }, { properties: { a: true }, type: 'object' }],
    ['says what a list is of', { type: 'array', minItems: 1 }, { type: 'array', minItems: 1, items: {} }],
    [
      'says of names by a pattern what their values are',
      { type: 'object', propertyNames: { pattern: '^a' }, additionalProperties: { type: 'null' } },
      { type: 'object', patternProperties: { '(?:a)': { type: 'null' } } },
    ],
    [
      'names the properties that may be named',
      { type: 'object', propertyNames: { enum: ['a'] } },
      { type: 'object', properties: { a: true }, additionalProperties: false },
    ],
    [
      'changes what lies in it',
      { type: 'array', items: { type: 'string', maxLength: 1 } },
      { type: 'array', items: { type: 'string', pattern: `${SAFE}{0,1}` } },
    ],
  ])('%s', (_, schema, held) => {
    expect(JSON.parse(JSON.stringify(holdSchema(schema)))).toEqual(held)
  })
})
