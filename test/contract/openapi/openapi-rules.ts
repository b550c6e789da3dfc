const text = { type: 'string', minLength: 1 }
const named = (values: object) => ({ type: 'object', additionalProperties: values })
const reference = {
  type: 'object',
  properties: { $ref: { type: 'string', pattern: '^#/components/' } },
  required: ['$ref'],
}
/** `x-` fields may stand everywhere. */
const closed = (properties: object, required: readonly string[]) => ({
  type: 'object',
  properties,
  required,
  patternProperties: { '^x-': true },
  additionalProperties: false,
})

const schema = { $ref: 'https://json-schema.org/draft/2020-12/schema' }
const example = closed({ summary: text, description: text, value: true }, ['value'])
const media = closed({ schema, example: true, examples: named(example), encoding: named({ type: 'object' }) }, [])
const header = closed({ description: text, required: { type: 'boolean' }, schema }, ['schema'])
const parameter = {
  ...closed(
    {
      name: text,
      in: { enum: ['path', 'query', 'header', 'cookie'] },
      description: text,
      required: { type: 'boolean' },
      schema,
      example: true,
    },
    ['name', 'in', 'schema'],
  ),
  if: { properties: { in: { const: 'path' } } },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { properties: { required: { const: true } }, required: ['required'] },
}
const reply = closed({ description: text, headers: named({ anyOf: [reference, header] }), content: named(media) }, [
  'description',
])
const operation = closed(
  {
    tags: { type: 'array', items: text, uniqueItems: true },
    summary: text,
    description: text,
    operationId: text,
    parameters: { type: 'array', items: { anyOf: [reference, parameter] } },
    requestBody: closed({ description: text, content: named(media), required: { type: 'boolean' } }, ['content']),
    responses: {
      type: 'object',
      minProperties: 1,
      propertyNames: { pattern: '^([1-5]\\d\\d|default)$' },
      additionalProperties: reply,
    },
    security: { type: 'array', items: named({ type: 'array', items: text }) },
  },
  ['operationId', 'responses'],
)
const security = {
  oneOf: [
    closed({ type: { const: 'http' }, scheme: text, description: text, bearerFormat: text }, ['type', 'scheme']),
    closed({ type: { const: 'apiKey' }, in: { enum: ['query', 'header', 'cookie'] }, name: text, description: text }, [
      'type',
      'in',
      'name',
    ]),
  ],
}

/** The parts of OpenAPI 3.1 that the document uses, as a JSON schema. @see https://spec.openapis.org/oas/v3.1.1 */
export const OPENAPI_RULES = closed(
  {
    openapi: { type: 'string', pattern: '^3\\.1\\.\\d+$' },
    info: closed(
      {
        title: text,
        summary: text,
        description: text,
        version: text,
        license: closed({ name: text, identifier: text }, ['name']),
      },
      ['title', 'version'],
    ),
    servers: { type: 'array', items: closed({ url: text, description: text }, ['url']) },
    tags: { type: 'array', items: closed({ name: text, description: text }, ['name']) },
    paths: {
      type: 'object',
      propertyNames: { pattern: '^/' },
      additionalProperties: {
        type: 'object',
        propertyNames: { enum: ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] },
        additionalProperties: operation,
      },
    },
    components: closed(
      {
        schemas: named(schema),
        headers: named(header),
        parameters: named(parameter),
        securitySchemes: named(security),
      },
      [],
    ),
  },
  ['openapi', 'info', 'paths'],
)
