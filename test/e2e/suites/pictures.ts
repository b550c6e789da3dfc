import { readFileSync } from 'node:fs'
import { decodeGenerateRequest, HEADER_LENGTH_HEADER } from '@loupe/shared/wire'
import { describe, expect, it } from 'vitest'
import { dataUri, examplePath, goldenPath, imagePart, textPart } from '../support/pictures.ts'
import type { Stack } from '../support/stack.ts'

const asking = (...content: unknown[]) => ({ messages: [{ role: 'user', content }], max_tokens: 4 })

/** What the worker was asked since a moment, decoded. */
function requestsSince({ proxy }: Stack, start: number) {
  return proxy.calls
    .slice(start)
    .filter(({ path }) => path.endsWith('/generate_stream'))
    .map(({ body, headers, status }) => {
      const length = headers[HEADER_LENGTH_HEADER]
      const request = decodeGenerateRequest({ headerLength: typeof length === 'string' ? length : null, body })
      return { status, bytes: body.byteLength, digests: request.imageDigests, pictures: request.patches.length }
    })
}

interface GoldenRow {
  readonly file: string
  readonly exact: boolean
  readonly patches_sha256: string
}

/** Pictures on their way to the worker. */
export function picturesSuite(stack: () => Stack): void {
  describe('a picture that was seen before', () => {
    it('sends no pixels and runs no vision pass', async () => {
      const picture = imagePart(dataUri(examplePath('nothing.png')))
      const passes = () => stack().metric('loupe:vision_passes_total')
      const before = { passes: await passes(), calls: stack().proxy.calls.length }

      expect((await stack().chat(asking(picture, textPart('What is this?')))).status).toBe(200)
      const first = requestsSince(stack(), before.calls)
      expect(first.map(({ status, pictures }) => [status, pictures])).toEqual([
        [409, 0],
        [200, 1],
      ])
      expect(await passes()).toBe(before.passes + 1)

      const between = stack().proxy.calls.length
      expect((await stack().chat(asking(textPart('And now?'), picture))).status).toBe(200)
      const second = requestsSince(stack(), between)
      expect(second.map(({ status, pictures }) => [status, pictures])).toEqual([[200, 0]])
      expect(second[0]?.bytes).toBeLessThan(4000)
      expect(await passes()).toBe(before.passes + 1)
    })

    it('counts as one however its file is packed', async () => {
      const [plain, withAlpha] = ['chelsea.png', 'chelsea-alpha.png'].map((name) =>
        imagePart(dataUri(goldenPath(name))),
      )
      const start = stack().proxy.calls.length
      expect((await stack().chat(asking(plain, withAlpha, textPart('Same?')))).status).toBe(200)
      const [offer] = requestsSince(stack(), start)
      expect(offer?.digests[0]).toBe(offer?.digests[1])
    })
  })

  describe('several pictures', () => {
    it('are counted, 256 tokens each', async () => {
      const names = ['red-circle.png', 'two-pink-circles.png', 'green-triangle.png']
      const parts = names.map((name) => imagePart(dataUri(examplePath(name))))
      const reply = await stack().chat(asking(textPart('Which one is green?'), ...parts))
      expect(reply.status).toBe(200)
      expect(await reply.json()).toMatchObject({ usage: { prompt_tokens_details: { image_tokens: 768 } } })
    })
  })

  describe('patches made in workerd', () => {
    const { rows } = JSON.parse(readFileSync(goldenPath('../images.json'), 'utf8')) as { rows: GoldenRow[] }
    const covered = ['chelsea-420.jpg', 'chelsea-exif6.jpg', 'chelsea-lossless.webp', 'chelsea-palette.png']

    it.each(rows.filter(({ file, exact }) => exact && covered.includes(file)))(
      'of $file are Pillow’s, byte for byte',
      async ({ file, patches_sha256 }) => {
        const start = stack().proxy.calls.length
        expect((await stack().chat(asking(imagePart(dataUri(goldenPath(file))), textPart('?')))).status).toBe(200)
        expect(requestsSince(stack(), start)[0]?.digests).toEqual([patches_sha256])
      },
    )
  })
}
