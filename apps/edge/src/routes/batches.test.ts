import { type BatchObject, batchList, batchObject, fileObject } from '@loupe/shared/schema'
import { describe, expect, it } from 'vitest'
import { says, TINY_MODEL } from '../testing/fake-worker.ts'
import { bearer, createKeyedApp } from '../testing/key-admin.ts'
import { createTestApp, type TestApp } from '../testing/test-app.ts'

const ENDPOINT = '/v1/chat/completions'

const line = (id: string, body: Readonly<Record<string, unknown>> = {}, rest: object = {}) => {
  const messages = [{ role: 'user', content: id }]
  return { custom_id: id, method: 'POST', url: ENDPOINT, body: { model: TINY_MODEL, messages, ...body }, ...rest }
}

const lines = (count: number) => Array.from({ length: count }, (_, index) => line(`line-${index}`))

async function upload(app: TestApp, content: string, init: RequestInit = {}, purpose = 'batch'): Promise<string> {
  const body = new FormData()
  body.append('purpose', purpose)
  body.append('file', new File([content], 'input.jsonl'))
  return fileObject.parse(await (await app.request('/v1/files', { method: 'POST', body, ...init })).json()).id
}

const create = (app: TestApp, input: string, fields: object = {}, init: RequestInit = {}) => {
  const body = JSON.stringify({ input_file_id: input, endpoint: ENDPOINT, completion_window: '24h', ...fields })
  return app.request('/v1/batches', { method: 'POST', body, ...init })
}

async function begin(app: TestApp, content: readonly object[] | string, init: RequestInit = {}): Promise<BatchObject> {
  const text = typeof content === 'string' ? content : content.map((each) => JSON.stringify(each)).join('\n')
  return batchObject.parse(await (await create(app, await upload(app, text, init), {}, init)).json())
}

const look = async (app: TestApp, id: string, init: RequestInit = {}) => {
  return batchObject.parse(await (await app.request(`/v1/batches/${id}`, init)).json())
}

/** Works on everything that is announced. */
async function drain(app: TestApp): Promise<void> {
  for (let next = app.batches.queue.shift(); next !== undefined; next = app.batches.queue.shift())
    await app.consume(next)
}

interface Result {
  readonly custom_id: string
  readonly response: { readonly status_code: number; readonly body: { choices?: object[]; error?: object } } | null
  readonly error: object | null
}

async function results(app: TestApp, id: string | null, init: RequestInit = {}): Promise<Result[]> {
  const text = await (await app.request(`/v1/files/${id}/content`, init)).text()
  return text
    .trimEnd()
    .split('\n')
    .map((each) => JSON.parse(each))
}

const errorOf = async (reply: Response) => [reply.status, ((await reply.json()) as { error: object }).error]
const code = (status: number, name: string, param: string | null) => [
  status,
  expect.objectContaining({ code: name, param }),
]

describe('a batch', () => {
  it('answers every line once, in the order of its file, and tells how far it is', async () => {
    const app = await createTestApp()
    const { id, status, request_counts } = await begin(app, lines(12))
    expect([status, request_counts.total]).toEqual(['validating', 0])
    await drain(app)
    const batch = await look(app, id)
    expect(batch).toMatchObject({ status: 'completed', request_counts: { total: 12, completed: 12, failed: 0 } })
    expect(batch).toMatchObject({ error_file_id: null, errors: null, completed_at: expect.any(Number) })
    const output = await results(app, batch.output_file_id)
    expect(output.map(({ custom_id }) => custom_id)).toEqual(lines(12).map(({ custom_id }) => custom_id))
    expect(output.every(({ response, error }) => response?.status_code === 200 && error === null)).toBe(true)
    const priorities = app.worker.admitted.map(({ parameters }) => parameters.priority)
    expect(priorities).toEqual(new Array(12).fill(10))
  })

  it('answers no line twice when its message comes three times at once', async () => {
    const app = await createTestApp()
    await begin(app, lines(20))
    const [message = { tenant: '', batch: '' }] = app.batches.queue
    await Promise.all([app.consume(message), app.consume(message), app.consume(message)])
    await drain(app)
    const batch = await look(app, message.batch)
    expect(batch.request_counts).toEqual({ total: 20, completed: 20, failed: 0 })
    expect(await results(app, batch.output_file_id)).toHaveLength(20)
    expect(app.worker.calls.filter(({ path }) => path.includes('generate'))).toHaveLength(20)
  })

  it('writes what was refused to the error file, as it was refused', async () => {
    const app = await createTestApp()
    const { id } = await begin(app, [line('good'), line('bad', { temperature: 9 }), line('none', { model: 'other' })])
    await drain(app)
    const batch = await look(app, id)
    expect(batch.request_counts).toEqual({ total: 3, completed: 1, failed: 2 })
    const errors = await results(app, batch.error_file_id)
    expect(errors.map(({ custom_id, response }) => [custom_id, response?.status_code])).toEqual([
      ['bad', 400],
      ['none', 404],
    ])
    expect(errors[0]?.response?.body.error).toMatchObject({ param: 'temperature' })
  })

  it('fails with the numbers of the lines that are wrong, and answers none', async () => {
    const app = await createTestApp()
    const wrong = [
      line('a'),
      line('a'),
      line('b', {}, { url: '/v1/responses' }),
      line('c', { stream: true }),
      line('d', {}, { method: 'GET' }),
    ].map((each) => JSON.stringify(each))
    const { id } = await begin(app, [...wrong, '', '{"custom_id":', ''].join('\n'))
    await drain(app)
    const batch = await look(app, id)
    expect([batch.status, batch.request_counts.total, batch.output_file_id]).toEqual(['failed', 0, null])
    expect(batch.errors?.data.map(({ line: at, param }) => [at, param])).toEqual([
      [2, 'custom_id'],
      [3, 'url'],
      [4, 'body.stream'],
      [5, 'method'],
      [7, null],
    ])
    expect(app.worker.calls).toEqual([])
  })

  it('fails with a line that is too deep to be written again, which was tried for a day', async () => {
    const app = await createTestApp()
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
    const { id } = await begin(app, JSON.stringify(line('a', { extra: 0 })).replace('"extra":0', `"extra":${deep}`))
    await drain(app)
    const batch = await look(app, id)
    expect([batch.status, batch.errors?.data]).toMatchObject(['failed', [{ line: 1, param: 'body' }]])
  })

  it('of no lines fails', async () => {
    const app = await createTestApp()
    const { id } = await begin(app, '\n\r\n')
    await drain(app)
    expect(await look(app, id)).toMatchObject({ status: 'failed', errors: { data: [{ line: null }] } })
  })

  it('begins no line after it was cancelled, and keeps what was answered', async () => {
    const app = await createTestApp()
    const { id } = await begin(app, lines(5))
    const cancelled = await app.request(`/v1/batches/${id}/cancel`, { method: 'POST' })
    expect(batchObject.parse(await cancelled.json()).status).toBe('cancelling')
    await drain(app)
    expect(await look(app, id)).toMatchObject({ status: 'cancelled', output_file_id: null })
    expect(app.worker.calls).toEqual([])
  })

  it('that has ended is not cancelled', async () => {
    const app = await createTestApp()
    const { id } = await begin(app, lines(1))
    await drain(app)
    const reply = await app.request(`/v1/batches/${id}/cancel`, { method: 'POST' })
    expect(await errorOf(reply)).toEqual(code(409, 'batch.ended', null))
  })

  it('expires after a day, and names the lines that it has not answered', async () => {
    const app = await createTestApp()
    const { id } = await begin(app, lines(5))
    app.worker.script = (request) => {
      app.clock.nowMs = () => Date.now() + 86_400_001
      return says('late')(request)
    }
    await drain(app)
    const batch = await look(app, id)
    expect(batch.status).toBe('expired')
    const errors = await results(app, batch.error_file_id)
    expect(errors.length + batch.request_counts.completed).toBe(5)
    expect(errors.map(({ error }) => error)).toEqual(
      errors.map(() => expect.objectContaining({ code: 'batch_expired' })),
    )
  })

  it('is refused for a file that is not there, has another purpose, or an endpoint that takes no batches', async () => {
    const app = await createTestApp()
    expect(await errorOf(await create(app, 'file_x'))).toEqual(code(404, 'file.unknown', 'input_file_id'))
    const other = await upload(app, 'x', {}, 'user_data')
    expect(await errorOf(await create(app, other))).toEqual(code(400, 'request.invalid', 'input_file_id'))
    const moderation = await create(app, other, { endpoint: '/v1/moderations' })
    expect(await errorOf(moderation)).toEqual(code(400, 'request.invalid', 'endpoint'))
    expect(await errorOf(await app.request('/v1/batches/batch_x'))).toEqual(code(404, 'batch.unknown', null))
  })
})

describe('batches of two tenants', () => {
  it('are apart, and charged to the key that made them', async () => {
    const app = await createKeyedApp()
    const [ours, theirs] = [await app.createKey({ owner: 'ours' }), await app.createKey({ owner: 'theirs' })]
    const { id } = await begin(app, lines(2), bearer(ours.key))
    await drain(app)
    const batch = await look(app, id, bearer(ours.key))
    expect(batch.request_counts.completed).toBe(2)
    expect((await app.describeKey(ours.id)).usage.tokens_today).toBeGreaterThan(0)
    for (const path of [`/v1/batches/${id}`, `/v1/batches/${id}/cancel`]) {
      const method = path.endsWith('cancel') ? 'POST' : 'GET'
      expect(await errorOf(await app.request(path, { method, ...bearer(theirs.key) }))).toEqual(
        code(404, 'batch.unknown', null),
      )
    }
    expect(batchList.parse(await (await app.request('/v1/batches', bearer(theirs.key))).json()).data).toEqual([])
    const stolen = await create(app, batch.input_file_id, {}, bearer(theirs.key))
    expect(await errorOf(stolen)).toEqual(code(404, 'file.unknown', 'input_file_id'))
    const output = await app.request(`/v1/files/${batch.output_file_id}/content`, bearer(theirs.key))
    expect(await errorOf(output)).toEqual(code(404, 'file.unknown', null))
  })

  it('are listed by pages, newest first', async () => {
    const app = await createTestApp()
    const ids: string[] = []
    for (let count = 0; count < 3; count++) ids.unshift((await begin(app, lines(1))).id)
    const list = async (query: string) => batchList.parse(await (await app.request(`/v1/batches?${query}`)).json())
    const first = await list('limit=2')
    expect([first.data.map(({ id }) => id), first.has_more]).toEqual([ids.slice(0, 2), true])
    expect((await list(`limit=2&after=${first.last_id}`)).data.map(({ id }) => id)).toEqual(ids.slice(2))
  })
})
