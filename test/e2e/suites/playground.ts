import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { examplePath } from '../support/pictures.ts'
import type { Stack } from '../support/stack.ts'

/** The page at `/`, as the asset server of the Workers runtime gives it. */
export function playgroundSuite(stack: () => Stack): void {
  describe('the playground', () => {
    it('is one self-hosted page that may load nothing from elsewhere', async () => {
      const reply = await fetch(`${stack().edgeUrl}/`)
      expect(reply.status).toBe(200)
      expect(reply.headers.get('content-security-policy')).toContain("default-src 'none'")
      const page = await reply.text()
      expect(page).toContain('<title>Loupe</title>')
      const addresses = [...page.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, address]) => address ?? '')
      expect(addresses.length).toBeGreaterThan(4)
      for (const address of addresses) {
        expect(new URL(address, `${stack().edgeUrl}/`).origin).toBe(stack().edgeUrl)
        const part = await fetch(new URL(address, `${stack().edgeUrl}/`))
        expect([address, part.status]).toEqual([address, 200])
        await part.body?.cancel()
      }
    })

    it.each(['red-circle', 'three-blue-stars', 'two-pink-circles', 'five-orange-squares'])(
      'offers the example %s as it is in examples/',
      async (name) => {
        const reply = await fetch(`${stack().edgeUrl}/examples/${name}.png`)
        expect(Buffer.from(await reply.arrayBuffer()).equals(readFileSync(examplePath(`${name}.png`)))).toBe(true)
      },
    )
  })
}
