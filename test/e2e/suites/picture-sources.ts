import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { bytesUri, examplePath, imagePart, pngHeader, textPart } from '../support/pictures.ts'
import type { Stack } from '../support/stack.ts'

const asking = (...content: unknown[]) => ({ messages: [{ role: 'user', content }], max_tokens: 4 })

/** Where pictures come from, and what is refused. */
export function pictureSourcesSuite(stack: () => Stack): void {
  describe('a picture by its address', () => {
    it('is fetched from a host that is allowed, redirects included', async () => {
      const { url } = stack().pictures
      const reply = await stack().chat(asking(imagePart(`${url}/to?${url}/red-circle.png`), textPart('?')))
      expect(reply.status).toBe(200)
    })

    it.each([
      'http://127.0.0.1:1/x.png',
      'http://169.254.169.254/latest/meta-data/',
      'https://[::ffff:127.0.0.1]/x.png',
      'https://localhost/x.png',
      'https://2130706433/x.png',
    ])('is refused at %s', async (url) => {
      const reply = await stack().chat(asking(imagePart(url)))
      expect(reply.status).toBe(400)
      expect(await reply.json()).toMatchObject({
        error: { code: 'image.forbidden_url', param: 'messages[0].content[0].image_url' },
      })
    })

    it('is refused when it redirects to a private address', async () => {
      const { url, paths } = stack().pictures
      const start = paths.length
      for (const target of [
        'http://169.254.169.254/x',
        'https://10.0.0.1/x',
        'http://[::1]:80/x',
        `http://localhost:1/x`,
      ]) {
        const reply = await stack().chat(asking(imagePart(`${url}/to?${target}`)))
        expect(reply.status).toBe(400)
        expect(await reply.json()).toMatchObject({ error: { code: 'image.forbidden_url' } })
      }
      expect(paths.slice(start)).toHaveLength(4)
    })
  })

  describe('a bad picture', () => {
    const png = readFileSync(examplePath('red-circle.png'))

    it.each<[string, string, number, string]>([
      ['no image bytes', 'data:image/png;base64,', 400, 'image.empty'],
      ['a truncated PNG', bytesUri(png.subarray(0, png.byteLength / 2)), 400, 'image.malformed'],
      ['a 60000x60000 header', bytesUri(pngHeader(60_000, 60_000)), 413, 'image.too_large'],
      ['text', bytesUri(new TextEncoder().encode('this is no picture at all')), 415, 'image.unsupported'],
    ])('%s is refused', async (_, url, status, code) => {
      const start = stack().proxy.calls.length
      const reply = await stack().chat(asking(textPart('a'), imagePart(url)))
      expect(reply.status).toBe(status)
      expect(await reply.json()).toMatchObject({ error: { code, param: 'messages[0].content[1].image_url' } })
      const paths = stack()
        .proxy.calls.slice(start)
        .map(({ path }) => path)
      expect(paths.filter((path) => path.endsWith('/generate_stream'))).toEqual([])
    })

    it('does not stop the next good one', async () => {
      const reply = await stack().chat(asking(imagePart(bytesUri(png)), textPart('?')))
      expect(reply.status).toBe(200)
    })
  })
}
