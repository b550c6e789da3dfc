import { PATCHES_BYTES } from '@loupe/shared/image'
import { type PreviewReply, previewReply } from '@loupe/shared/schema'
import { describe, expect, it } from 'vitest'
import { TINY_MODEL } from '../testing/fake-worker.ts'
import { createTestApp, type TestApp } from '../testing/test-app.ts'

/** A "picture" for the fake decoder: the value of its pixels, whether it is whole, how many crops it has. */
const image = (...bytes: readonly number[]) => `data:image/png;base64,${btoa(String.fromCharCode(...bytes))}`

function preview(app: TestApp, body: unknown): Promise<Response> {
  return app.request('/v1/preview', { method: 'POST', body: JSON.stringify(body) })
}

async function views(app: TestApp, body: Readonly<Record<string, unknown>>): Promise<PreviewReply['views']> {
  const reply = await preview(app, { model: TINY_MODEL, ...body })
  expect(reply.status).toBe(200)
  return previewReply.parse(await reply.json()).views
}

/** The scanlines of a PNG with one IDAT behind an IHDR. */
async function scanlines(png: string): Promise<Uint8Array> {
  const bytes = Uint8Array.from(atob(png), (character) => character.charCodeAt(0))
  const length = new DataView(bytes.buffer).getUint32(33)
  const data = new Blob([bytes.subarray(41, 41 + length)]).stream().pipeThrough(new DecompressionStream('deflate'))
  return new Uint8Array(await new Response(data).arrayBuffer())
}

describe('/v1/preview', () => {
  it('shows the pixels of the whole picture and of each crop, in the order of the prompt', async () => {
    const app = await createTestApp()
    const shown = await views(app, { image: image(7, 1, 1, 2), detail: 'high' })
    expect(shown.map(({ kind, width, height }) => [kind, width, height])).toEqual([
      ['whole', 896, 896],
      ['crop', 896, 896],
      ['crop', 896, 896],
    ])
    for (const [index, value] of [7, 107, 108].entries()) {
      const lines = await scanlines(shown[index]?.png ?? '')
      expect(lines.byteLength).toBe(PATCHES_BYTES + 896)
      expect(lines.every((byte, at) => byte === (at % 2689 === 0 ? 0 : value))).toBe(true)
    }
    expect(new Set(shown.map(({ digest }) => digest)).size).toBe(3)
  })

  it('names a view as the worker is offered it, and asks the worker for no answer', async () => {
    const app = await createTestApp()
    const url = image(9, 1)
    const [whole] = await views(app, { image: url })
    expect(app.worker.admitted).toHaveLength(0)
    expect(app.trims).toHaveLength(1)
    await app.chat({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] })
    expect(app.worker.admitted[0]?.imageDigests).toEqual([whole?.digest])
  })

  it.each([
    [false, 'auto', 1],
    [true, 'auto', 3],
    [true, 'low', 1],
    [false, 'high', 3],
  ])('of a model whose processor crops: %s, detail %s, gives %i views', async (do_pan_and_scan, detail, count) => {
    const app = await createTestApp({ model: { do_pan_and_scan } })
    expect(await views(app, { image: image(1, 1, 1, 2), detail })).toHaveLength(count)
  })

  it.each<[string, Readonly<Record<string, unknown>>, number, string | null]>([
    ['no picture', { model: TINY_MODEL }, 400, 'image'],
    ['an empty address', { model: TINY_MODEL, image: '' }, 400, 'image'],
    ['no model', { image: image(1, 1) }, 400, 'model'],
    ['an unknown model', { model: 'x', image: image(1, 1) }, 404, 'model'],
    ['an unknown detail', { model: TINY_MODEL, image: image(1, 1), detail: 'huge' }, 400, 'detail'],
    ['damage behind a header', { model: TINY_MODEL, image: image(1, 0) }, 400, 'image'],
    ['a private address', { model: TINY_MODEL, image: 'https://10.0.0.1/' }, 400, 'image'],
    ['too many crops', { model: TINY_MODEL, image: image(1, 1, 1, 9), detail: 'high' }, 400, 'image'],
  ])('refuses %s', async (_, body, status, param) => {
    const reply = await preview(await createTestApp(), body)
    expect(reply.status).toBe(status)
    expect(await reply.json()).toMatchObject({ error: { param } })
  })

  it('refuses a body that is no object, and a model that takes no pictures', async () => {
    expect((await preview(await createTestApp(), [])).status).toBe(400)
    const blind = await createTestApp({ model: { has_vision: false } })
    const reply = await preview(blind, { model: TINY_MODEL, image: image(1, 1) })
    expect([reply.status, await reply.json()]).toMatchObject([400, { error: { code: 'request.unsupported' } }])
  })

  it('names fields without effect', async () => {
    const reply = await preview(await createTestApp(), { model: TINY_MODEL, image: image(1, 1), zoom: 2 })
    expect(reply.headers.get('x-loupe-warning')).toBe('no effect: zoom')
  })
})
