import { EXAMPLE_IDS, EXAMPLE_MODEL, EXAMPLE_PICTURE } from '@loupe/edge/src/openapi/example-values.ts'
import type { DocumentedApi, FoundOperation, Json } from '../../contract/openapi/documented-api.ts'
import { pointer } from '../../contract/openapi/documented-api.ts'
import type { Standins } from '../../contract/openapi/example-requests.ts'
import { caseRandom, type Random } from '../random.ts'
import { anyValue, type Hint, schemaValue } from './schema-value.ts'
import { DEEP_MARKS, spoil, writeJson } from './spoil.ts'

/** A request that may do harm, and how it came about. */
export interface HttpCase {
  readonly index: number
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array<ArrayBuffer> | undefined
  /** What is unusual about it; empty for a request that the document allows. */
  readonly steps: readonly string[]
  /** Whether the document allows the body; undefined where there is no body of JSON to judge. */
  readonly isAllowed: boolean | undefined
}

/** What cases are made of. */
export interface HttpCases {
  readonly api: DocumentedApi
  readonly standins: Standins
  readonly seed: number
  /** Answers are made by a model that takes its time: few tokens, few choices. */
  readonly isFrugal: boolean
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']

/** The case of a number: the same seed and number give the same request. */
export function httpCase(cases: HttpCases, index: number): HttpCase {
  const random = caseRandom(cases.seed, index)
  const found = random.pick(random.chance(0.7) ? cases.api.operations.filter(hasJsonBody) : cases.api.operations)
  const steps: string[] = []
  const { body, isAllowed, type } = bodyOf(found, cases, { random, steps })
  const method = unusual(random, 0.04, () => random.pick(METHODS), steps) ?? found.method.toUpperCase()
  const path = unusual(random, 0.04, () => strangePath(found.path, random), steps) ?? pathOf(found, cases, random)
  const headers = { ...(type === undefined ? {} : { 'content-type': type }), ...headersOf(found, { random, steps }) }
  const takesNone = method === 'GET' || method === 'HEAD'
  return {
    index,
    method,
    path,
    headers,
    steps,
    body: takesNone ? undefined : body,
    isAllowed: takesNone ? undefined : isAllowed,
  }
}

interface Drawing {
  readonly random: Random
  /** What was done is added here. */
  readonly steps: string[]
}

function hasJsonBody({ operation }: FoundOperation): boolean {
  return contentOf(operation)?.['application/json'] !== undefined
}

function contentOf(operation: Json): Readonly<Record<string, Json>> | undefined {
  return (operation['requestBody'] as Json | undefined)?.['content'] as Readonly<Record<string, Json>> | undefined
}

function bodyOf(found: FoundOperation, cases: HttpCases, { random, steps }: Drawing) {
  if (contentOf(found.operation)?.['multipart/form-data'] !== undefined) return formOf({ random, steps })
  const schema = contentOf(found.operation)?.['application/json']?.['schema'] as Json | undefined
  if (schema === undefined) return { body: undefined, isAllowed: undefined, type: undefined }
  let value = schemaValue(schema, { api: cases.api, random, hint: hintOf(cases) })
  for (let times = random.chance(0.5) ? random.between(1, 2) : 0; times > 0; times--) {
    const spoiled = spoil(value, random)
    steps.push(spoiled.step)
    value = spoiled.value
  }
  if (cases.isFrugal) value = frugal(value)
  const { text, isPlain } = writeJson(value)
  const broken = unusual(random, 0.04, () => breakText(text, random), steps)
  if (broken !== undefined) return { body: broken, isAllowed: undefined, type: 'application/json' }
  const at = pointer('paths', found.path, found.method, 'requestBody', 'content', 'application/json', 'schema')
  const isAllowed = isPlain && text !== '' ? cases.api.faultOf(at, JSON.parse(text)) === undefined : undefined
  return { body: text, isAllowed, type: random.pick(['application/json', 'application/json; charset=utf-8']) }
}

/** Forms, sound and not. */
function formOf({ random, steps }: Drawing) {
  const part = (head: string, content: string) => `--b\r\ncontent-disposition: form-data; ${head}\r\n\r\n${content}\r\n`
  const purpose = random.pick(['vision', 'user_data', 'batch', 'fine-tune', '', 'é'])
  const file = part(
    'name="file"; filename="a\u00e9.png"',
    random.pick(['', 'abc', '{"custom_id": 1}\n', '\u0000\u0001']),
  )
  const parts = [part('name="purpose"', purpose), file, part('name="expires_after[seconds]"', '3600'), part('x', '')]
  const chosen = parts.filter((_, at) => random.chance(at < 2 ? 0.9 : 0.2))
  const whole = `${chosen.join('')}${random.pick(['--b--\r\n', '--b--', '', '--c--'])}`
  steps.push(`a form of ${chosen.length} parts for "${purpose}"`)
  const type = random.pick([
    'multipart/form-data; boundary=b',
    'multipart/form-data; boundary="b"',
    'multipart/form-data',
    'text/plain',
  ])
  return { body: whole, isAllowed: undefined, type }
}

/** What makes a request likely to get as far as an answer. */
function hintOf({ standins }: HttpCases): Hint {
  const standin = (example: string) => standins.get(example) ?? example
  const pictures = [
    EXAMPLE_PICTURE,
    'data:image/png;base64,AAAA',
    'data:,a',
    'http://10.0.0.1/a.png',
    'https://a.invalid/',
    'nothing',
  ]
  const schemas = [
    { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
    { type: 'object', properties: { a: { type: 'integer' } }, additionalProperties: false },
    { enum: ['a', 1] },
    { type: 'string', pattern: '^a+$' },
    { not: {} },
  ]
  const values: Readonly<Record<string, (random: Random) => unknown>> = {
    messages: (random) => (random.chance(0.6) ? conversation(random) : undefined),
    input: (random) => (random.chance(0.5) ? EXAMPLE_PICTURE : undefined),
    model: (random) => (random.chance(0.95) ? standin(EXAMPLE_MODEL) : undefined),
    image_url: (random) => (random.chance(0.5) ? random.pick(pictures) : { url: random.pick(pictures) }),
    url: (random) => random.pick(pictures),
    image: (random) => random.pick(pictures),
    data: () => EXAMPLE_PICTURE.slice(EXAMPLE_PICTURE.indexOf(',') + 1),
    file_id: (random) => random.pick([standin(EXAMPLE_IDS.file), 'file_none']),
    input_file_id: (random) => random.pick([standin(EXAMPLE_IDS.file), 'file_none']),
    previous_response_id: (random) => random.pick([standin(EXAMPLE_IDS.response), 'resp_none']),
    parameters: (random) => random.pick(schemas),
    input_schema: (random) => random.pick(schemas),
    schema: (random) => random.pick(schemas),
    json: (random) => random.pick(schemas),
    guided_json: (random) => random.pick(schemas),
    regex: (random) => random.pick(['[ab]{1,3}', '(', 'a*']),
    n: (random) => random.between(1, 3),
    max_tokens: (random) => random.between(1, 16),
  }
  return (field, random) => (Object.hasOwn(values, field) ? values[field]?.(random) : undefined)
}

/** Conversations that are taken, by chat completions or by messages; what their calls say may be anything. */
function conversation(random: Random): unknown {
  const user = { role: 'user', content: random.pick(['a', 'What is this?', '🙂']) }
  const text = random.pick(['{}', '{"a": 1}', '[', DEEP_MARKS[0][1]])
  const call = { id: 'a', type: 'function', function: { name: 'f', arguments: text } }
  const result = { role: 'tool', tool_call_id: 'a', content: text }
  const use = { type: 'tool_use', id: 'a', name: 'f', input: { a: anyValue(random) } }
  const used = [{ type: 'tool_result', tool_use_id: 'a', content: text }]
  return random.pick<unknown>([
    [user],
    [user],
    [user, { role: 'assistant', content: null, tool_calls: [call] }, result],
    [user, { role: 'assistant', content: [use] }, { role: 'user', content: used }],
  ])
}

const LENGTHS = ['max_tokens', 'max_completion_tokens', 'max_output_tokens', 'min_tokens']
const FEW = 4

/** The same request for an answer of a few tokens; what is no length stays as it is. */
function frugal(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const few = Object.entries(value).map(([name, old]) => {
    const isLong = LENGTHS.includes(name) && typeof old === 'number' && old > FEW && old <= 1_000_000
    return [name, isLong ? FEW : name === 'n' && typeof old === 'number' && old > 2 && old <= 128 ? 2 : old]
  })
  const given: Record<string, unknown> = Object.fromEntries(few)
  const isAsked = 'messages' in given || 'prompt' in given || 'input' in given
  const isShort = LENGTHS.slice(0, 3).some((name) => typeof given[name] === 'number')
  if (!isAsked || isShort) return given
  return { ...given, ['input' in given ? 'max_output_tokens' : 'max_tokens']: FEW }
}

function breakText(text: string, random: Random): string | Uint8Array<ArrayBuffer> {
  const at = random.below(text.length + 1)
  switch (random.below(6)) {
    case 0:
      return text.slice(0, at)
    case 1:
      return `${text.slice(0, at)}${random.pick(['"', '}', ',', '\u0000', '\ufeff', 'NaN'])}${text.slice(at)}`
    case 2:
      return ''
    case 3:
      return `\ufeff${text}`
    case 4:
      return new TextEncoder().encode(text).map((byte, index) => (index === at ? 0xff : byte))
    default:
      return random.pick(['null', '[]', '"a"', '7', 'undefined', '{"a":1}{"a":1}'])
  }
}

const PARTS = ['%00', '..%2f..', 'é', 'x'.repeat(600), '%ff', 'a b', '%2e%2e', '\'"<>', '\u{1f600}', '%E0%A4%A']

function pathOf({ path, operation }: FoundOperation, { standins }: HttpCases, random: Random): string {
  const parameters = operation['parameters'] as readonly Json[]
  const whole = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const example = String(parameters.find((parameter) => parameter['name'] === name)?.['example'])
    return encodedPart(random.chance(0.6) ? (standins.get(example) ?? example) : random.pick(PARTS))
  })
  const inQuery = parameters.filter((parameter) => parameter['in'] === 'query' && random.chance(0.5))
  const query = inQuery.map(({ name }) => {
    return `${name}=${random.pick(['1', '100', '0', '-1', '1e3', 'asc', 'desc', 'batch', '', '%ff', 'x'.repeat(200), 'a&a=b'])}`
  })
  return query.length === 0 ? whole : `${whole}?${query.join('&')}`
}

/** What is no escape yet becomes one. */
function encodedPart(text: string): string {
  return text.replaceAll(/[^\w.%~-]/gu, encodeURIComponent)
}

function strangePath(path: string, random: Random): string {
  const real = path.replaceAll(/\{\w+\}/g, 'a')
  return random.pick([
    `${real}/`,
    `/${real}`,
    `${real}/a/b`,
    real.toUpperCase(),
    real.slice(0, -1),
    '/v1/',
    '/v1/%2e%2e/admin/keys',
    `${real}%00`,
    `${real};a=b`,
    '/v2/models',
  ])
}

function headersOf(_: FoundOperation, { random, steps }: Drawing): Record<string, string> {
  const strange: readonly Readonly<Record<string, string>>[] = [
    { 'idempotency-key': 'a b' },
    { 'idempotency-key': 'k'.repeat(300) },
    { 'idempotency-key': `key-${random.below(3)}` },
    { 'x-request-id': 'x'.repeat(2000) },
    { 'x-request-id': '../../etc/passwd' },
    { authorization: 'Basic YTpi' },
    { authorization: `Bearer sk-loupe-${'0'.repeat(16)}-${'0'.repeat(52)}` },
    { 'x-api-key': 'x'.repeat(4000) },
    { accept: 'application/xml' },
    { origin: 'null', 'access-control-request-method': 'POST' },
    { 'content-encoding': 'gzip' },
    { range: 'bytes=0-0' },
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/x-www-form-urlencoded' },
    { 'content-type': `application/json; charset=${'x'.repeat(500)}` },
  ]
  const given = unusual(random, 0.08, () => JSON.stringify(random.pick(strange)), steps)
  return given === undefined ? {} : JSON.parse(given)
}

/** Something unusual now and then, which is told in the steps. */
function unusual<T>(random: Random, chance: number, make: () => T, steps: string[]): T | undefined {
  if (!random.chance(chance)) return undefined
  const made = make()
  steps.push(String(made).slice(0, 60))
  return made
}
