import { readFileSync } from 'node:fs'
import { ADMIN_KEY, createKeyedApp } from '@loupe/edge/src/testing/key-admin.ts'
import { ERRORS } from '@loupe/shared/errors'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { beforeAll, describe, expect, it } from 'vitest'
import { type DocumentedApi, type Json, pointer, readDocument } from './openapi/documented-api.ts'
import { exampleRequests, isForAdmin, makeStandins, type Send, type Standins } from './openapi/example-requests.ts'
import { DOCUMENT_PATH, generateDocument } from './openapi/generate.ts'
import { OPENAPI_RULES } from './openapi/openapi-rules.ts'

const document = JSON.parse(readFileSync(DOCUMENT_PATH, 'utf8')) as Json
const api: DocumentedApi = readDocument(document)

interface RoutedApp {
  readonly send: Send
  /** `POST /v1/files/{id}` for each handler of the app. */
  readonly routed: readonly string[]
}

/** An app that takes requests without a key, and that has an admin. */
async function openApp(): Promise<RoutedApp> {
  const app = await createKeyedApp({ config: { isOpen: true }, model: { context_length: 4096 } })
  const send: Send = (path, init) => {
    const headers = new Headers(init?.headers)
    if (isForAdmin(path)) headers.set('authorization', `Bearer ${ADMIN_KEY}`)
    return app.request(path, { ...init, headers })
  }
  const routed = app.handlers
    .filter(({ method, path }) => method !== 'ALL' && !path.includes('*'))
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(\{[^}]*\})?/g, '{$1}')}`)
  return { send, routed: [...new Set(routed)].sort() }
}

/** Whether an address only says that it does not do what it is asked. */
async function isRefusal(send: Send, route: string): Promise<boolean> {
  const [method = '', path = ''] = route.split(' ')
  const body = method === 'GET' ? {} : { body: '{}' }
  const reply = await send(path, { method, ...body })
  if (reply.status === 405) return true
  return reply.status === 400 && (await reply.text()).includes('"request.unsupported"')
}

describe('the OpenAPI document', () => {
  it('is the one that the schemas, the table and the comments make (npm run -w test openapi)', () => {
    expect(readFileSync(DOCUMENT_PATH, 'utf8') === generateDocument()).toBe(true)
  })

  it('has every address of the app, and no other', async () => {
    const { send, routed } = await openApp()
    const documented = api.operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort()
    const refusals = new Set<string>()
    for (const route of routed) if (await isRefusal(send, route)) refusals.add(route)
    expect(routed.filter((route) => !refusals.has(route))).toEqual(documented)
    expect([...refusals]).toEqual(expect.arrayContaining(['PUT /v1/count', 'POST /v1/responses/compact']))
  })

  it('keeps the rules of OpenAPI 3.1', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
    const validate = ajv.compile(OPENAPI_RULES)
    validate(document)
    expect(validate.errors ?? []).toEqual([])
    const ids = api.operations.map(({ operation }) => operation['operationId'])
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('refers to nothing that is not there, and has nothing that is not referred to', () => {
    const text = JSON.stringify(document)
    const referred = new Set([...text.matchAll(/"\$ref":"#([^"]+)"/g)].map(([, at = '']) => at))
    const found = [...referred].map((at) => at.split('/').slice(1).reduce<unknown>(stepInto, document))
    expect(found).not.toContain(undefined)
    const { securitySchemes: _, ...parts } = document['components'] as Record<string, Json>
    const all = Object.entries(parts).flatMap(([kind, named]) =>
      Object.keys(named).map((name) => `/components/${kind}/${name}`),
    )
    expect(all.filter((at) => !referred.has(at))).toEqual(['/components/schemas/UploadFields'])
  })

  it('has schemas that a validator takes, each with a description', () => {
    const { schemas } = document['components'] as { schemas: Record<string, Json> }
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    for (const [name, { description }] of Object.entries(schemas)) {
      expect([name, ajv.validateSchema(schemas[name] ?? false)]).toEqual([name, true])
      expect([name, description]).toEqual([name, expect.stringMatching(/^[A-Z].*\.$/)])
    }
  })

  it('lists every code that a client may see, with its status', () => {
    const table = document['x-errors'] as readonly { code: string; status: number; ours?: string }[]
    const listed = table.map(({ code, ours = code }) => ours)
    const unlisted = Object.entries(ERRORS).filter(([code]) => !listed.includes(code))
    // Of the worker's own protocol, of what starts a process, and what nobody is there to read.
    expect(unlisted.map(([code]) => code)).toEqual([
      'request.cancelled',
      'image.count_mismatch',
      'image.missing',
      'image.digest_mismatch',
      'tensor.invalid',
      'config.invalid',
      'weights.invalid',
      'cache.unusable',
      'tokenizer.invalid',
      'graph.shape_mismatch',
      'usage.invalid',
    ])
    for (const { code, status, ours = code } of table) expect(ERRORS[ours as keyof typeof ERRORS].status).toBe(status)
  })
})

describe('the examples of the document', () => {
  let send: Send
  let standins: Standins
  beforeAll(async () => {
    send = (await openApp()).send
    standins = await makeStandins(send)
  })

  it.each(api.operations.map((found) => [`${found.method.toUpperCase()} ${found.path}`, found] as const))(
    'of %s are taken, and what comes back is what it says',
    async (_, found) => {
      const replies = found.operation['responses'] as Record<string, Json>
      const own = found.method === 'delete' || found.path.endsWith('/cancel') ? await makeStandins(send) : standins
      for (const { name, path, init } of exampleRequests(found, own)) {
        const reply = await send(path, init)
        const seen = { status: reply.status, headers: reply.headers, text: await reply.text() }
        expect([name, seen.status, seen.text]).toEqual([name, Number(Object.keys(replies)[0]), seen.text])
        expect(api.faultsOf({ method: found.method.toUpperCase(), path }, seen)).toEqual([])
      }
    },
  )

  it('fit their schemas, those of bodies and those of replies', () => {
    const faults: string[] = []
    const judge = (at: string, value: unknown) => {
      const fault = api.faultOf(at, value)
      if (fault !== undefined) faults.push(`${at}: ${fault}`)
    }
    for (const { path, method, operation } of api.operations) {
      const at = ['paths', path, method]
      const { content = {} } = (operation['requestBody'] ?? {}) as { content?: Record<string, Json> }
      const bodies = (content['application/json']?.['examples'] ?? {}) as Record<string, Json>
      for (const { value } of Object.values(bodies)) {
        judge(pointer(...at, 'requestBody', 'content', 'application/json', 'schema'), value)
      }
      for (const [status, reply] of Object.entries(
        operation['responses'] as Record<string, { content: Record<string, Json> }>,
      )) {
        const { example } = reply.content['application/json'] ?? {}
        if (example !== undefined)
          judge(pointer(...at, 'responses', status, 'content', 'application/json', 'schema'), example)
      }
    }
    expect(faults).toEqual([])
  })
})

function stepInto(part: unknown, step: string): unknown {
  return (part as Json | undefined)?.[step.replaceAll('~1', '/').replaceAll('~0', '~')]
}
