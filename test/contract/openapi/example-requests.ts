import { EXAMPLE_IDS, EXAMPLE_MODEL, EXAMPLE_PNG } from '@loupe/edge/src/openapi/example-values.ts'
import { TINY_MODEL } from '@loupe/edge/src/testing/fake-worker.ts'
import type { FoundOperation, Json } from './documented-api.ts'

/** A request that can be sent. */
export interface ExampleRequest {
  readonly name: string
  readonly path: string
  readonly init: RequestInit
}

/** Sends a request to some server. */
export type Send = (path: string, init?: RequestInit) => Promise<Response>

/** What the ids and the model of the examples are on the server at hand. */
export type Standins = ReadonlyMap<string, string>

const ADMIN_PATH = '/admin/'

/** Puts things on a server to which the examples can refer. Each call makes new ones. */
export async function makeStandins(send: Send, model = TINY_MODEL): Promise<Standins> {
  const post = async (path: string, body: Json, headers?: Record<string, string>): Promise<string> => {
    const reply = await send(path, { method: 'POST', body: JSON.stringify(body), ...(headers && { headers }) })
    return idOf(reply)
  }
  const line = { custom_id: 'a', method: 'POST', url: '/v1/chat/completions', body: { model, messages: [] } }
  const file = await idOf(await send('/v1/files', { method: 'POST', body: form(`${JSON.stringify(line)}\n`, 'batch') }))
  const batch = {
    input_file_id: file,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
  }
  return new Map([
    [EXAMPLE_MODEL, model],
    [EXAMPLE_IDS.file, file],
    [EXAMPLE_IDS.response, await post('/v1/responses', { model, input: 'a' })],
    [EXAMPLE_IDS.batch, await post('/v1/batches', batch)],
    [EXAMPLE_IDS.key, await post('/admin/keys', { name: 'a', owner: 'a' })],
  ])
}

/** Every example of an operation as a request. */
export function exampleRequests({ method, path, operation }: FoundOperation, standins: Standins): ExampleRequest[] {
  const address = withStandins(pathWithExamples(path, operation), standins)
  const content = (operation['requestBody'] as Json | undefined)?.['content'] as Record<string, Json> | undefined
  const upper = method.toUpperCase()
  if (content?.['multipart/form-data'] !== undefined) {
    const body = form(Buffer.from(EXAMPLE_PNG, 'base64'), 'vision')
    return [{ name: 'a form', path: address, init: { method: upper, body } }]
  }
  const examples = content?.['application/json']?.['examples'] as Record<string, Json> | undefined
  if (examples === undefined) return [{ name: 'nothing', path: address, init: { method: upper } }]
  return Object.values(examples).map(({ summary, value }) => {
    const body = withStandins(JSON.stringify(value), standins)
    const headers = { 'content-type': 'application/json' }
    return { name: String(summary), path: address, init: { method: upper, body, headers } }
  })
}

/** Whether an address takes the admin key. */
export function isForAdmin(path: string): boolean {
  return path.startsWith(ADMIN_PATH)
}

function pathWithExamples(path: string, operation: Json): string {
  const parameters = operation['parameters'] as readonly Json[]
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    return String(parameters.find((parameter) => parameter['name'] === name)?.['example'])
  })
}

function withStandins(text: string, standins: Standins): string {
  return [...standins].reduce((all, [example, real]) => all.replaceAll(example, real), text)
}

function form(content: string | Uint8Array<ArrayBuffer>, purpose: string): FormData {
  const body = new FormData()
  body.set('purpose', purpose)
  body.set('file', new Blob([content]), 'file')
  return body
}

async function idOf(reply: Response): Promise<string> {
  const { id } = (await reply.json()) as { id?: unknown }
  if (typeof id !== 'string') throw new Error(`${reply.url}: ${reply.status} without an id`)
  return id
}
