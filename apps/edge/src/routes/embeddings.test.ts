import { type EmbeddingList, embeddingList } from '@loupe/shared/schema'
import { describe, expect, it } from 'vitest'
import { TINY_MODEL } from '../testing/fake-worker.ts'
import { createTestApp, type TestApp } from '../testing/test-app.ts'

/** A picture whose patches repeat this byte, as the app of a test decodes it. */
const picture = (byte: number) => `data:image/png;base64,${btoa(String.fromCharCode(byte))}`

const embed = (app: TestApp, body: Readonly<Record<string, unknown>>) =>
  app.request('/v1/embeddings', { method: 'POST', body: JSON.stringify({ model: TINY_MODEL, ...body }) })

async function embedded(app: TestApp, body: Readonly<Record<string, unknown>>): Promise<EmbeddingList> {
  const reply = await embed(app, body)
  expect(reply.status).toBe(200)
  return embeddingList.parse(await reply.json())
}

const errorOf = async (reply: Response) => [reply.status, ((await reply.json()) as { error: object }).error]

/** The fake worker sees `[first, 0]` and `[0, first + 2]`. */
const unit = (first: number) => {
  const length = Math.hypot(first, first + 2)
  return [first / length, (first + 2) / length]
}

describe('POST /v1/embeddings', () => {
  it('gives the mean of what the model sees, of length 1, for each picture', async () => {
    const app = await createTestApp()
    const body = await embedded(app, { input: [picture(1), picture(4)] })
    expect(body).toMatchObject({ object: 'list', model: TINY_MODEL, usage: { prompt_tokens: 8, total_tokens: 8 } })
    expect(body.data.map(({ index, object }) => [index, object])).toEqual([
      [0, 'embedding'],
      [1, 'embedding'],
    ])
    body.data.forEach(({ embedding }, at) => {
      const [x = 0, y = 0] = unit([1, 4][at] ?? 0)
      expect(embedding).toEqual([Math.fround(x), Math.fround(y)])
    })
  })

  it('writes the same numbers as base64, which the npm package asks for', async () => {
    const app = await createTestApp()
    const floats = (await embedded(app, { input: picture(3) })).data[0]?.embedding
    const base64 = (await embedded(app, { input: picture(3), encoding_format: 'base64' })).data[0]?.embedding
    const bytes = Uint8Array.from(atob(String(base64)), (character) => character.charCodeAt(0))
    expect([...new Float32Array(bytes.buffer)]).toEqual(floats)
  })

  it.each([
    [{ input: 'a red circle' }, 'input'],
    [{ input: [picture(1), 'a red circle'] }, 'input[1]'],
    [{ input: [1, 2] }, 'input[0]'],
    [{ input: [[1, 2]] }, 'input[0]'],
    [{ input: picture(1), dimensions: 2 }, 'dimensions'],
  ])('refuses %j by name', async (body, param) => {
    const app = await createTestApp()
    expect(await errorOf(await embed(app, body))).toMatchObject([400, { code: 'request.unsupported', param }])
  })

  it.each([
    [{}, 'input', 'request.invalid'],
    [{ input: [] }, 'input', 'request.invalid'],
    [{ input: '' }, 'input', 'request.invalid'],
    [{ input: picture(1), encoding_format: 'int8' }, 'encoding_format', 'request.invalid'],
    [{ input: [picture(1), picture(0)] }, 'input[1]', 'image.malformed'],
    [{ input: Array.from({ length: 9 }, () => picture(1)) }, 'input[8]', 'request.invalid'],
  ])('blames %j where it is wrong', async (body, param, code) => {
    const app = await createTestApp()
    expect(await errorOf(await embed(app, body))).toMatchObject([400, { code, param }])
  })

  it('is refused for a model without vision', async () => {
    const app = await createTestApp({ model: { has_vision: false } })
    expect(await errorOf(await embed(app, { input: picture(1) }))).toMatchObject([400, { code: 'request.unsupported' }])
  })

  it('is told when the worker is down', async () => {
    const app = await createTestApp()
    app.worker.isDown = true
    expect((await embed(app, { input: picture(1) })).status).toBe(503)
  })
})
