import { type FileObject, fileDeleted, fileList, fileObject } from '@loupe/shared/schema'
import { describe, expect, it } from 'vitest'
import { TINY_MODEL } from '../testing/fake-worker.ts'
import { bearer, createKeyedApp } from '../testing/key-admin.ts'
import { createMemoryBlobs, createMemoryFiles } from '../testing/memory-files.ts'
import { createTestApp, type TestApp } from '../testing/test-app.ts'

const PICTURE = Uint8Array.of(7, 7, 7)

function form(fields: Readonly<Record<string, string>>, content: Uint8Array<ArrayBuffer> | string = PICTURE): FormData {
  const body = new FormData()
  // The client of OpenAI sends the file first.
  body.append('file', new File([content], 'a "picture".png'))
  for (const [name, value] of Object.entries(fields)) body.append(name, value)
  return body
}

const post = (body: BodyInit, init: RequestInit = {}): RequestInit => ({ method: 'POST', body, ...init })

async function upload(app: TestApp, body: FormData, init?: RequestInit): Promise<FileObject> {
  const reply = await app.request('/v1/files', post(body, init))
  expect(reply.status).toBe(200)
  return fileObject.parse(await reply.json())
}

const errorOf = async (reply: Response) => [reply.status, ((await reply.json()) as { error: object }).error]
const code = (status: number, name: string, param: string | null) => [
  status,
  expect.objectContaining({ code: name, param }),
]

describe('POST /v1/files', () => {
  it('keeps a file, tells of it and gives it back', async () => {
    const app = await createTestApp()
    const file = await upload(app, form({ purpose: 'vision' }))
    expect(file).toMatchObject({ id: expect.stringMatching(/^file_[0-9a-f]{48}$/), bytes: 3, purpose: 'vision' })
    expect(file).toMatchObject({ filename: 'a "picture".png', status: 'processed' })
    expect(await (await app.request(`/v1/files/${file.id}`)).json()).toEqual(file)
    const content = await app.request(`/v1/files/${file.id}/content`)
    expect(new Uint8Array(await content.arrayBuffer())).toEqual(PICTURE)
    expect(content.headers.get('x-content-type-options')).toBe('nosniff')
  })

  it.each([
    ['no purpose', form({}), 400, 'request.invalid', 'purpose'],
    ['a purpose that is not offered', form({ purpose: 'fine-tune' }), 400, 'request.unsupported', 'purpose'],
    ['an unknown purpose', form({ purpose: 'art' }), 400, 'request.invalid', 'purpose'],
    [
      'half an expiry',
      form({ purpose: 'vision', 'expires_after[seconds]': '3600' }),
      400,
      'request.invalid',
      'expires_after',
    ],
    [
      'an expiry within the hour',
      form({ purpose: 'vision', 'expires_after[anchor]': 'created_at', 'expires_after[seconds]': '60' }),
      400,
      'request.invalid',
      'expires_after[seconds]',
    ],
    ['a long field', form({ purpose: 'x'.repeat(2000) }), 400, 'request.invalid', 'purpose'],
    ['what is no picture', form({ purpose: 'vision' }, 'not'.replaceAll(/./g, '\0')), 400, 'image.malformed', 'file'],
    ['an empty picture', form({ purpose: 'vision' }, ''), 400, 'image.empty', 'file'],
    ['JSON', '{}', 400, 'request.invalid', null],
  ])('refuses %s', async (_, body, status, name, param) => {
    const app = await createTestApp()
    expect(await errorOf(await app.request('/v1/files', post(body)))).toEqual(code(status, name, param))
    expect(fileList.parse(await (await app.request('/v1/files')).json()).data).toEqual([])
  })

  it('takes back what is too long, or more than the tenant may keep', async () => {
    const blobs = new Map<string, Uint8Array>()
    const files = createMemoryFiles(Date.now, { blobs: createMemoryBlobs(blobs), mostBytes: 5 })
    const app = await createTestApp({ files })
    const long = new Uint8Array(12 * 1024 * 1024 + 1).fill(7)
    const refused = await app.request('/v1/files', post(form({ purpose: 'vision' }, long)))
    expect(await errorOf(refused)).toEqual(code(413, 'request.too_large', 'file'))
    await upload(app, form({ purpose: 'vision' }))
    const second = await app.request('/v1/files', post(form({ purpose: 'vision' })))
    expect(await errorOf(second)).toEqual(code(413, 'file.quota', null))
    expect(blobs.size).toBe(1)
  })

  it('refuses a body that breaks off, and keeps nothing of it', async () => {
    const app = await createTestApp()
    const headers = { 'content-type': 'multipart/form-data; boundary=x' }
    const body = '--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nabc'
    expect(await errorOf(await app.request('/v1/files', post(body, { headers })))).toEqual(
      code(400, 'request.invalid', null),
    )
    expect(fileList.parse(await (await app.request('/v1/files')).json()).data).toEqual([])
  })
})

describe('GET /v1/files', () => {
  it('pages through the files, newest first, of one purpose', async () => {
    const app = await createTestApp()
    const ids: string[] = []
    for (const purpose of ['vision', 'user_data', 'vision', 'vision'])
      ids.unshift((await upload(app, form({ purpose }))).id)
    const list = async (query: string) => fileList.parse(await (await app.request(`/v1/files?${query}`)).json())
    const first = await list('purpose=vision&limit=2')
    expect([first.data.map(({ id }) => id), first.has_more]).toEqual([ids.slice(0, 2), true])
    const rest = await list(`purpose=vision&limit=2&after=${first.last_id}`)
    expect([rest.data.map(({ id }) => id), rest.has_more]).toEqual([ids.slice(3), false])
    expect((await list('order=asc')).data.map(({ id }) => id)).toEqual(ids.toReversed())
    const wrong = await app.request('/v1/files?limit=0')
    expect(await errorOf(wrong)).toEqual(code(400, 'request.invalid', 'limit'))
  })

  it('tells nothing of a file that has expired', async () => {
    const app = await createTestApp()
    const terms = { 'expires_after[anchor]': 'created_at', 'expires_after[seconds]': '3600' }
    const file = await upload(app, form({ purpose: 'vision', ...terms }))
    expect(file.expires_at).toBe(file.created_at + 3600)
    app.clock.nowMs = () => Date.now() + 3_601_000
    expect(await errorOf(await app.request(`/v1/files/${file.id}`))).toEqual(code(404, 'file.unknown', null))
    expect(fileList.parse(await (await app.request('/v1/files')).json()).data).toEqual([])
  })
})

describe('files of two tenants', () => {
  it('are nobody else’s: not to see, read, delete or show to the model', async () => {
    const app = await createKeyedApp()
    const [ours, theirs] = [await app.createKey({ owner: 'ours' }), await app.createKey({ owner: 'theirs' })]
    const file = await upload(app, form({ purpose: 'vision' }), bearer(ours.key))
    for (const [path, method] of [
      ['', 'GET'],
      ['/content', 'GET'],
      ['', 'DELETE'],
    ] as const) {
      const reply = await app.request(`/v1/files/${file.id}${path}`, { method, ...bearer(theirs.key) })
      expect(await errorOf(reply)).toEqual(code(404, 'file.unknown', null))
    }
    const messages = [{ role: 'user', content: [{ type: 'file', file: { file_id: file.id } }] }]
    const param = 'messages[0].content[0].file.file_id'
    expect(await errorOf(await app.chat({ messages }, bearer(theirs.key)))).toEqual(code(404, 'file.unknown', param))
    expect((await app.chat({ messages, cache_salt: 'salt' }, bearer(ours.key))).status).toBe(200)
    const gone = await app.request(`/v1/files/${file.id}`, { method: 'DELETE', ...bearer(ours.key) })
    expect(fileDeleted.parse(await gone.json())).toEqual({ id: file.id, object: 'file', deleted: true })
    expect(await errorOf(await app.chat({ messages }, bearer(ours.key)))).toEqual(code(404, 'file.unknown', param))
  })
})

describe('a picture by the id of its file', () => {
  it('is the picture that was uploaded, in chat and in responses', async () => {
    const app = await createTestApp()
    const { id } = await upload(app, form({ purpose: 'user_data' }))
    const parts = [
      { type: 'file', file: { file_id: id } },
      { type: 'input_image', file_id: id },
    ]
    expect((await app.chat({ messages: [{ role: 'user', content: parts }] })).status).toBe(200)
    const input = [{ role: 'user', content: [{ type: 'input_image', file_id: id }] }]
    const body = JSON.stringify({ model: TINY_MODEL, input })
    const response = await app.request('/v1/responses', post(body))
    expect(response.status).toBe(200)
    expect(app.decoded).toEqual([PICTURE, PICTURE, PICTURE])
  })

  it('is no file of another purpose, and not beside an address', async () => {
    const app = await createTestApp()
    const { id } = await upload(app, form({ purpose: 'batch' }))
    const ask = (part: object) => app.chat({ messages: [{ role: 'user', content: [part] }] })
    const param = 'messages[0].content[0].file_id'
    expect(await errorOf(await ask({ type: 'input_image', file_id: id }))).toEqual(
      code(415, 'image.unsupported', param),
    )
    const both = await ask({ type: 'input_image', file_id: id, image_url: 'data:,a' })
    expect(await errorOf(both)).toEqual(code(400, 'request.invalid', 'messages[0].content[0]'))
  })
})
