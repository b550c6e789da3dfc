import { ERRORS, type ErrorCode } from '@loupe/shared/errors'
import { codeSamples } from './code-samples.ts'
import type { RequestName } from './components.ts'
import type { JsonSchema } from './json-schema.ts'
import { namedSchemas, queryParameters, SCHEMAS } from './json-schemas.ts'
import { type Operation, TAGS } from './operation.ts'
import { errorsOf, takesIdempotencyKey } from './operation-errors.ts'
import { OPERATIONS } from './operations.ts'
import { documentedReplies } from './replies.ts'
import type { SchemaNotes } from './schema-notes.ts'
import { sentCode } from './sent-code.ts'
import { HEADERS, PARAMETERS, SECURITY_SCHEMES } from './shared-parts.ts'

/** A document of OpenAPI 3.1. */
export interface OpenApiDocument {
  readonly openapi: '3.1.1'
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>
    readonly [part: string]: unknown
  }
  readonly [part: string]: unknown
}

/** One operation of it. */
interface DocumentedOperation {
  readonly operationId: string
  readonly responses: ReturnType<typeof documentedReplies>
  readonly [part: string]: unknown
}

/** What the document says of itself. */
export interface DocumentOptions {
  readonly version: string
  /** What comments in the source say of the schemas. */
  readonly notes: SchemaNotes
}

const DESCRIPTION = `Ask a question about a picture. The API of OpenAI, as its clients speak it, and that of Anthropic.

Every reply has an \`x-request-id\`; every failed one has the error object below, with a code that stays. Fields that are not known are accepted and named in \`x-loupe-warning\`; what would change the answer and is not offered is refused by name. A method that an address does not take is \`405\` with \`Allow\`, an address that is not there \`404\`.`

/** Makes the document of {@link OPERATIONS}. */
export function openApiDocument({ version, notes }: DocumentOptions): OpenApiDocument {
  const schemas = namedSchemas(notes)
  const paths: Record<string, Record<string, DocumentedOperation>> = {}
  for (const operation of OPERATIONS) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: documented(operation, { schemas, notes }) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Loupe',
      summary: 'Questions about pictures, answered on your own GPU.',
      description: DESCRIPTION,
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This server.' }],
    tags: TAGS,
    paths,
    components: {
      schemas,
      headers: HEADERS,
      parameters: PARAMETERS,
      securitySchemes: SECURITY_SCHEMES,
    },
    'x-errors': errorTable(),
  }
}

interface Described {
  readonly schemas: Readonly<Record<string, JsonSchema>>
  readonly notes: SchemaNotes
}

function documented(operation: Operation, { schemas, notes }: Described): DocumentedOperation {
  const { id, tag, summary, description, key } = operation
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security:
      key === 'none' ? [] : key === 'api' ? [{ bearer: [] }, { apiKey: [] }] : [{ adminBearer: [] }, { adminKey: [] }],
    parameters: parametersOf(operation, notes),
    ...requestOf(operation, schemas),
    responses: documentedReplies(operation),
    'x-codeSamples': codeSamples(operation),
  }
}

function parametersOf(operation: Operation, notes: SchemaNotes): object[] {
  const { pathParameters = {}, query } = operation
  const inPath = Object.entries(pathParameters).map(([name, { description, example }]) => {
    return { name, in: 'path', required: true, description, schema: { type: 'string' }, example }
  })
  const inQuery = query === undefined ? [] : queryParameters(query, notes)
  const shared = takesIdempotencyKey(operation) ? ['IdempotencyKey', 'RequestId'] : ['RequestId']
  return [...inPath, ...inQuery, ...shared.map((name) => ({ $ref: `#/components/parameters/${name}` }))]
}

function requestOf({ body }: Operation, schemas: Readonly<Record<string, JsonSchema>>): object {
  if (body === undefined) return {}
  if (body.kind === 'form') {
    const media = { schema: uploadForm(body.fields, schemas), example: { ...body.example, file: '(the bytes)' } }
    return { requestBody: { required: true, content: { 'multipart/form-data': media } } }
  }
  const examples = Object.entries(body.examples).map(([name, value]) => [
    name.replaceAll(/\W+/g, '-'),
    { summary: name, value },
  ])
  const media = { schema: { $ref: `${SCHEMAS}${body.schema}` }, examples: Object.fromEntries(examples) }
  return { requestBody: { required: true, content: { 'application/json': media } } }
}

function uploadForm(fields: RequestName, schemas: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const described = schemas[fields] as { properties: object; required?: readonly string[] } // a schema of an object
  const file = { type: 'string', contentMediaType: 'application/octet-stream', description: 'The bytes.' }
  return {
    type: 'object',
    properties: { file, ...described.properties },
    required: ['file', ...(described.required ?? [])],
  }
}

/** Every code that a client may see, as it is sent. */
function errorTable() {
  const sent = new Set(OPERATIONS.flatMap(errorsOf))
  for (const code of ['route.unknown', 'route.method'] as const) sent.add(code)
  return (Object.keys(ERRORS) as ErrorCode[]) // its own keys
    .filter((code) => sent.has(code))
    .map((code) => {
      const { status, title, retry } = ERRORS[code]
      return {
        code: sentCode(code),
        status,
        title,
        mayRetry: retry === 'later',
        ...(sentCode(code) === code ? {} : { ours: code }),
      }
    })
}
