import { describe, expect, it } from 'vitest'
import { imagePart, textPart } from '../support/pictures.ts'
import type { Stack } from '../support/stack.ts'

const asking = (...content: unknown[]) => ({ messages: [{ role: 'user', content }], max_tokens: 4 })

/** What hosts do to the edge that fetches from them. */
export function pictureHostsSuite(stack: () => Stack): void {
  describe('a host of pictures', () => {
    it.each<[string, string, number, string]>([
      ['unpacks without end', '/bomb', 413, 'image.too_large'],
      ['sends without end', '/endless', 413, 'image.too_large'],
      ['breaks off', '/early', 400, 'image.unreachable'],
      ['redirects in a circle', '/circle', 400, 'image.unreachable'],
      ['has a page', '/page', 415, 'image.unsupported'],
      ['has a fault', '/fault', 400, 'image.unreachable'],
      ['speaks something else', '/garbage', 400, 'image.unreachable'],
    ])('that %s is left', async (_, path, status, code) => {
      const secret = `${stack().pictures.url}${path}`
      const reply = await stack().chat(asking(textPart('a'), imagePart(secret)))
      expect(reply.status).toBe(status)
      const body = await reply.text()
      expect(JSON.parse(body)).toMatchObject({ error: { code, param: 'messages[0].content[1].image_url' } })
      expect(body).not.toContain(stack().pictures.host)
      expect(reply.headers.get('x-should-retry')).toBe('false')
    })

    it('may pack its pictures', async () => {
      const reply = await stack().chat(asking(imagePart(`${stack().pictures.url}/packed`), textPart('?')))
      expect(reply.status).toBe(200)
    })

    it('is asked whether its picture has changed, and sends it once', async () => {
      const { url, statuses } = stack().pictures
      const start = statuses.length
      for (let time = 0; time < 2; time++) {
        expect((await stack().chat(asking(imagePart(`${url}/tagged`), textPart('?')))).status).toBe(200)
      }
      expect(statuses.slice(start)).toEqual([200, 304])
    })
  })
}
