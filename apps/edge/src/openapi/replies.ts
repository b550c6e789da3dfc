import { ERRORS, type ErrorCode } from '@loupe/shared/errors'
import type { ReplyName } from './components.ts'
import type { JsonSchema } from './json-schema.ts'
import { SCHEMAS } from './json-schemas.ts'
import type { EventStream, Operation } from './operation.ts'
import { errorsOf, takesIdempotencyKey } from './operation-errors.ts'
import { sentCode } from './sent-code.ts'
import type { HeaderName } from './shared-parts.ts'

/** A reply with one status. */
export interface DocumentedReply {
  readonly description: string
  readonly headers: Readonly<Record<string, { readonly $ref: string }>>
  readonly content: Readonly<Record<string, MediaType>>
}

/** A body of one kind. */
interface MediaType {
  readonly schema?: JsonSchema
  readonly example?: unknown
  /** How events are framed, for `text/event-stream`; the schema is that of the `data` of one. */
  readonly 'x-events'?: Omit<EventStream, 'schema'>
}

const ALWAYS = ['x-request-id', 'openai-processing-ms'] as const
const LIMITS = ['requests', 'tokens'].flatMap((unit) =>
  ['limit', 'remaining', 'reset'].map((what) => `x-ratelimit-${what}-${unit}` as HeaderName),
)

/** The replies of an operation, by status: the one that answers, and its faults. */
export function documentedReplies(operation: Operation): Readonly<Record<string, DocumentedReply>> {
  const byStatus = Map.groupBy(errorsOf(operation), (code) => ERRORS[code].status)
  const statuses = [...byStatus.keys()].sort((a, b) => a - b)
  return {
    [operation.reply.status]: taken(operation),
    ...Object.fromEntries(statuses.map((status) => [status, refused(operation, byStatus.get(status) ?? [])])),
  }
}

function taken(operation: Operation): DocumentedReply {
  const { reply, body } = operation
  const { description, json, events, isBytes } = reply
  const headers: HeaderName[] = [
    ...commonHeaders(operation),
    ...(body?.kind === 'json' && operation.key === 'api' ? (['x-loupe-warning'] as const) : []),
    ...(takesIdempotencyKey(operation) ? (['idempotency-replayed'] as const) : []),
  ]
  const content = {
    ...(json === undefined ? {} : { 'application/json': { schema: ref(json.schema), example: json.example } }),
    ...(events === undefined ? {} : { 'text/event-stream': eventMedia(operation, events) }),
    ...(isBytes ? { 'application/octet-stream': {} } : {}),
  }
  return { description, headers: headerRefs(headers), content }
}

/** A fault in the middle of a stream is its last event, where the API has no event of its own for it. */
function eventMedia({ path }: Operation, { schema, ...framing }: EventStream): MediaType {
  const hasOwnFault = path.startsWith('/v1/responses') || path.startsWith('/v1/messages')
  return {
    schema: hasOwnFault ? ref(schema) : { anyOf: [ref(schema), ref('ErrorReply')] },
    'x-events': framing,
  }
}

function refused(operation: Operation, codes: readonly ErrorCode[]): DocumentedReply {
  const isAnthropic = operation.tag === 'Messages'
  const sent = [...new Set(codes.map((code) => (isAnthropic ? code : sentCode(code))))]
  const schema = {
    ...ref(isAnthropic ? 'AnthropicErrorReply' : 'ErrorReply'),
    properties: { error: { properties: { code: { enum: sent } } } },
  }
  const isRetried = codes.some((code) => ERRORS[code].retry === 'later')
  const headers: HeaderName[] = [
    'x-request-id',
    'x-should-retry',
    ...(isRetried ? (['retry-after', 'retry-after-ms'] as const) : []),
    ...(operation.key === 'api' && codes.includes('rate.limited') ? LIMITS : []),
  ]
  const titles = codes.map((code) => `- \`${isAnthropic ? code : sentCode(code)}\`: ${ERRORS[code].title}`)
  return { description: titles.join('\n'), headers: headerRefs(headers), content: { 'application/json': { schema } } }
}

function commonHeaders({ key, tag }: Operation): HeaderName[] {
  return [...ALWAYS, ...(tag === 'Messages' ? (['request-id'] as const) : []), ...(key === 'api' ? LIMITS : [])]
}

function headerRefs(names: readonly HeaderName[]): DocumentedReply['headers'] {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

function ref(name: ReplyName): { readonly $ref: string } {
  return { $ref: `${SCHEMAS}${name}` }
}
