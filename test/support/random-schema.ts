import fc from 'fast-check'

type Schema = Record<string, unknown> | boolean

const NAMES = ['a', 'b', 'kind']
const TYPES = ['object', 'array', 'string', 'integer', 'number', 'boolean', 'null']
const size = fc.integer({ min: 0, max: 3 })
const literal = fc.constantFrom<unknown>('x', 'a"b', 'é', 3, -1.5, true, null, [1], { a: 1 })
const pattern = fc.constantFrom('^[ab]{2}$', 'a|b', '.', '[^a]+', '\\d{1,3}', '^\\w\\s\\w$', '(?=a)', '"')
const format = fc.constantFrom('date', 'uuid', 'ipv4', 'date-time', 'postcode')
const bounds = { minimum: fc.integer({ min: -20, max: 20 }), maximum: fc.integer({ min: 0, max: 2000 }) }
const lengths = { minLength: size, maxLength: fc.integer({ min: 3, max: 6 }) }

const some = <T extends Record<string, fc.Arbitrary<unknown>>>(fields: T) => fc.record(fields, { requiredKeys: [] })
const simpleTypes = fc.subarray(['integer', 'string', 'null', 'boolean'], { minLength: 1 })

const simple: fc.Arbitrary<Schema> = fc.oneof(
  fc.oneof(some(lengths), fc.record({ pattern }), fc.record({ format })).map((more) => ({ type: 'string', ...more })),
  fc.tuple(fc.constantFrom('integer', 'number'), some(bounds)).map(([type, more]) => ({ type, ...more })),
  fc.tuple(simpleTypes, some({ ...bounds, ...lengths })).map(([type, more]) => ({ type, ...more })),
  fc.array(literal, { minLength: 1, maxLength: 3 }).map((listed) => ({ enum: listed })),
  literal.map((value) => ({ const: value })),
  fc.constantFrom(...TYPES).map((type) => ({ type })),
)

/**
 * Random JSON schemas of every keyword, those that no answer can be held to among them. They hold contradictions, and
 * some take no value at all.
 *
 * @param levels - of schemas in schemas, at most
 */
export function randomSchema(levels = 2): fc.Arbitrary<Schema> {
  if (levels === 0) return simple
  const child = randomSchema(levels - 1)
  const children = fc.array(child, { minLength: 1, maxLength: 2 })
  const combined = fc.tuple(fc.constantFrom('anyOf', 'oneOf', 'allOf'), children, some({ maxLength: size }))
  return fc.oneof(
    { weight: 3, arbitrary: simple },
    { weight: 4, arbitrary: objectOf(child) },
    { weight: 1, arbitrary: mapOf(child) },
    { weight: 2, arbitrary: listOf(child, children) },
    { weight: 2, arbitrary: combined.map(([keyword, all, more]) => ({ [keyword]: all, ...more })) },
    { weight: 1, arbitrary: children.map(referring) },
  )
}

function objectOf(child: fc.Arbitrary<Schema>): fc.Arbitrary<Schema> {
  const properties = fc.dictionary(fc.constantFrom(...NAMES), child, { maxKeys: 3 })
  const more = some({ additionalProperties: child, minProperties: size, maxProperties: fc.constant(4) })
  return fc.tuple(properties, fc.subarray(NAMES), more).map(([named, names, others]) => {
    const required = names.filter((name) => name in named || names.length === 3)
    return { type: 'object', properties: named, required, ...others }
  })
}

function mapOf(child: fc.Arbitrary<Schema>): fc.Arbitrary<Schema> {
  const names = fc.record({ pattern })
  const patternProperties = fc.constant({ '^b': true })
  const more = some({ minProperties: size, propertyNames: names, patternProperties })
  return fc.tuple(child, more).map(([rest, others]) => ({ type: 'object', additionalProperties: rest, ...others }))
}

function listOf(child: fc.Arbitrary<Schema>, children: fc.Arbitrary<Schema[]>): fc.Arbitrary<Schema> {
  const bounded = { minItems: size, maxItems: fc.constant(3), uniqueItems: fc.boolean() }
  return some({ items: child, prefixItems: children, ...bounded }).map((more) => ({ type: 'array', ...more }))
}

function referring([first = true, second = true]: readonly Schema[]): Schema {
  const properties = { a: { $ref: '#/$defs/x' }, b: second }
  return { $defs: { x: first }, type: 'object', properties, required: ['a'] }
}
