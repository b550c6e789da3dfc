import { createSseParser } from '@loupe/shared/wire'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

/** JSON that describes something. */
export type Json = Readonly<Record<string, unknown>>

/** An operation of the document, with its address. */
export interface FoundOperation {
  readonly method: string
  /** `/v1/files/{id}` */
  readonly path: string
  readonly operation: Json
}

/** What came back of a request. */
interface SeenReply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** A request that was made. */
interface MadeRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
}

/** The OpenAPI document, and whether what comes back is what it says. */
export interface DocumentedApi {
  readonly document: Json
  readonly operations: readonly FoundOperation[]
  /** The operation that a request is for. */
  find(request: MadeRequest): FoundOperation | undefined
  /** What is wrong with a value by the schema at a pointer of the document, undefined if nothing is. */
  faultOf(pointer: string, value: unknown): string | undefined
  /** What is wrong with a reply. Nothing is where the list is empty. */
  faultsOf(request: MadeRequest, reply: SeenReply): string[]
}

/** Reads a document. */
export function readDocument(document: Json): DocumentedApi {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, logger: false })
  ajv.addSchema(document, 'api')
  const compiled = new Map<string, ValidateFunction>()
  const validatorOf = (pointer: string): ValidateFunction => {
    const known = compiled.get(pointer) ?? ajv.compile({ $ref: `api#${pointer}` })
    compiled.set(pointer, known)
    return known
  }
  const operations = Object.entries(document['paths'] as Record<string, Json>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation: operation as Json })),
  )
  const matchers = operations.map((found) => ({ found, pattern: patternOf(found.path) }))
  const api: DocumentedApi = {
    document,
    operations,
    find: ({ method, path }) => {
      const name = pathOf(path)
      const wanted = method === 'HEAD' ? 'get' : method.toLowerCase()
      return matchers.find(({ found, pattern }) => found.method === wanted && pattern.test(name))?.found
    },
    faultOf: (pointer, value) => {
      const validate = validatorOf(pointer)
      return validate(value) ? undefined : ajv.errorsText(validate.errors)
    },
    faultsOf: (request, reply) => faultsOf(api, request, reply),
  }
  return api
}

/** A part of a path is anything but a slash; ids of models have slashes, and no other address is behind them. */
function patternOf(path: string): RegExp {
  const part = path.startsWith('/v1/models/') ? '.+' : '[^/]+'
  return new RegExp(`^${path.replaceAll(/\{\w+\}/g, part)}$`, 's')
}

/** The path as servers see it: `%2e%2e` and the step before it are gone. */
function pathOf(path: string): string {
  return new URL(`http://api.example${path}`).pathname
}

/** A pointer to a part of the document. */
export function pointer(...steps: readonly string[]): string {
  return steps.map((step) => `/${encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('')
}

/** Refusals that no operation lists: of an address that is not there, of a method, and before either is looked at. */
const UNLISTED: Readonly<Record<number, RegExp>> = {
  400: /"param":"Idempotency-Key"/,
  401: /"(invalid_api_key|auth\.invalid|auth\.missing)"/,
  404: /"route\.unknown"/,
  405: /"route\.method"/,
  409: /"idempotency\.(running|not_kept)"/,
  422: /"idempotency\.mismatch"/,
}

function faultsOf(api: DocumentedApi, request: MadeRequest, reply: SeenReply): string[] {
  const faults: string[] = []
  const { status, headers, text } = reply
  const found = api.find(request)
  if (!headers.get('x-request-id')) faults.push('no x-request-id')
  if (status >= 400 && !headers.has('x-should-retry') && !headers.has('retry-after')) {
    faults.push('an error that tells nothing of a retry')
  }
  if (request.method === 'HEAD') return text === '' ? faults : [...faults, 'a body for HEAD']
  const media = (headers.get('content-type') ?? '').split(';')[0] ?? ''
  const contents = found === undefined ? undefined : contentsOf(found, status)
  if (contents === undefined) return [...faults, ...unlistedFaults(api, request, reply)]
  const content = contents[media]
  if (content === undefined) return [...faults, `the content type "${media}" with ${status}`]
  if (media === 'application/octet-stream') return faults
  const at =
    found === undefined
      ? ''
      : pointer('paths', found.path, found.method, 'responses', String(status), 'content', media, 'schema')
  if (media === 'text/event-stream')
    return [...faults, ...eventFaults(api, { at, text, framing: content['x-events'] as Framing })]
  return [...faults, ...jsonFaults(api, at, text)]
}

function contentsOf({ operation }: FoundOperation, status: number): Readonly<Record<string, Json>> | undefined {
  const replies = operation['responses'] as Readonly<Record<string, Json>>
  return replies[String(status)]?.['content'] as Readonly<Record<string, Json>> | undefined
}

function unlistedFaults(api: DocumentedApi, { path }: MadeRequest, { status, text }: SeenReply): string[] {
  const code = UNLISTED[status]
  if (code === undefined) return [`the status ${status}: ${text.slice(0, 200)}`]
  const schema = /^\/v1\/messages(\/|$)/.test(pathOf(path)) ? 'AnthropicErrorReply' : 'ErrorReply'
  const faults = jsonFaults(api, pointer('components', 'schemas', schema), text)
  return code.test(text) ? faults : [...faults, `${status} without ${code.source}: ${text.slice(0, 200)}`]
}

function jsonFaults(api: DocumentedApi, at: string, text: string): string[] {
  const value = parse(text)
  if (value === undefined) return [`no JSON: ${text.slice(0, 200)}`]
  const fault = api.faultOf(at, value)
  return fault === undefined ? [] : [`${fault}: ${text.slice(0, 300)}`]
}

interface Framing {
  readonly isNamed: boolean
  readonly end?: string
}

interface SeenEvents {
  readonly at: string
  readonly text: string
  readonly framing: Framing
}

function eventFaults(api: DocumentedApi, { at, text, framing }: SeenEvents): string[] {
  const events = createSseParser().push(new TextEncoder().encode(text))
  const faults: string[] = []
  const last = events.at(-1)?.data ?? ''
  const hasFailed = parse(last)?.['error'] !== undefined
  if (framing.end !== undefined && last !== framing.end && !hasFailed) faults.push(`the end ${last.slice(0, 80)}`)
  const told = framing.end === undefined ? events : events.filter(({ data }) => data !== framing.end)
  for (const { event, data } of told) {
    faults.push(...jsonFaults(api, at, data))
    if (framing.isNamed && event !== parse(data)?.['type'])
      faults.push(`an event called ${event}: ${data.slice(0, 80)}`)
  }
  return told.length === 0 ? [...faults, 'a stream without events'] : faults
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}
