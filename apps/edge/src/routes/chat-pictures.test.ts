import { describe, expect, it } from 'vitest'
import { dnsReply } from '../testing/dns-reply.ts'
import { createTestApp, type TestApp } from '../testing/test-app.ts'
import { TINY_IDS, tinyTokenizer } from '../testing/tiny-tokenizer.ts'

/** A "picture" for the fake decoder: its first byte is its content. */
const picture = (byte: number) => `data:image/png;base64,${btoa(String.fromCharCode(byte, 1, 2))}`
const image = (byte: number) => ({ type: 'image_url', image_url: { url: picture(byte) } })
const text = (words: string) => ({ type: 'text', text: words })
const asking = (...content: unknown[]) => ({ messages: [{ role: 'user', content }] })

/** The prompt of the last request, picture tokens as `*`. */
function promptOf({ worker }: TestApp): string {
  const ids = worker.admitted.at(-1)?.inputIds ?? []
  return tinyTokenizer.decode(ids).replaceAll('<image_soft_token>', '*')
}

describe('pictures', () => {
  it('take their places in the prompt in order, several of them', async () => {
    const app = await createTestApp()
    await app.chat(asking(text('A'), image(1), image(2), text('B')))
    expect(promptOf(app)).toBe(
      '<bos><start_of_turn>user\nA\n\n<start_of_image>****<end_of_image>\n\n\n\n<start_of_image>****<end_of_image>\n\nB<end_of_turn>\n<start_of_turn>model\n',
    )
    expect(app.decoded.map((bytes) => bytes[0])).toEqual([1, 2])
  })

  it('leave no memory in the decoder once they are decoded, before the worker is asked, also when one is refused', async () => {
    const app = await createTestApp()
    await app.chat(asking(image(1), image(2)))
    expect(app.trims).toEqual([2]) // the metadata and the tokenizer
    await app.chat(asking(image(1), image(0)))
    expect(app.trims).toHaveLength(2)
  })

  it('seen before cost 32 bytes: the second question sends no pixels', async () => {
    const app = await createTestApp()
    await app.chat(asking(image(1), text('What?')))
    await app.chat(asking(image(1), text('Why?')))
    const sent = app.worker.calls.filter(({ path }) => path.endsWith('generate_stream')).map(({ bytes }) => bytes)
    expect(sent).toHaveLength(3) // an offer, the patches, and the second question
    expect(sent[1]).toBeGreaterThan(4096 * 588)
    expect(sent[2]).toBeLessThan(2000)
  })

  it('send only what the worker misses', async () => {
    const app = await createTestApp()
    await app.chat(asking(image(1)))
    await app.chat(asking(image(1), image(2), image(2)))
    expect(app.worker.admitted.at(-1)?.imageDigests).toHaveLength(3)
    expect(app.worker.admitted.at(-1)?.patches).toHaveLength(1)
  })

  it('that cannot be decoded are refused with the part that named them (rules 16, 22)', async () => {
    const app = await createTestApp()
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
      { role: 'user', content: [text('c'), image(0)] },
    ]
    const reply = await app.chat({ messages, stream: true })
    expect(reply.status).toBe(400)
    expect(await reply.json()).toMatchObject({
      error: { code: 'image.malformed', param: 'messages[2].content[1].image_url' },
    })
    expect(app.worker.admitted).toHaveLength(0)
  })

  it.each([
    ['no bytes', 'data:image/png;base64,', 400, 'image.empty'],
    ['a private address', 'https://169.254.169.254/x.png', 400, 'image.forbidden_url'],
    ['http', 'http://example.com/x.png', 400, 'image.forbidden_url'],
    ['a page', 'https://page.example/', 415, 'image.unsupported'],
  ])('%s: %s is %i', async (_, url, status, code) => {
    const page = () => Promise.resolve(new Response('<html>', { headers: { 'content-type': 'text/html' } }))
    const app = await createTestApp({ fetchImage: page })
    const reply = await app.chat(asking({ type: 'image_url', image_url: url }))
    expect(reply.status).toBe(status)
    expect(await reply.json()).toMatchObject({ error: { code, param: 'messages[0].content[0].image_url' } })
  })

  it('are fetched by https', async () => {
    const fetchImage = () =>
      Promise.resolve(new Response(Uint8Array.of(9), { headers: { 'content-type': 'image/png' } }))
    const app = await createTestApp({ fetchImage })
    const reply = await app.chat(asking({ type: 'image_url', image_url: 'https://example.com/x.png' }))
    expect(reply.status).toBe(200)
    expect(app.decoded).toEqual([Uint8Array.of(9)])
  })

  it('that were fetched are remembered for requests with the same salt only', async () => {
    let fetched = 0
    const fetchImage = async () => {
      fetched++
      const headers = { 'content-type': 'image/png', 'cache-control': 'max-age=60' }
      return new Response(Uint8Array.of(9, 1), { headers })
    }
    const app = await createTestApp({ fetchImage })
    const body = asking({ type: 'image_url', image_url: 'https://example.com/x.png' })
    for (const cache_salt of [undefined, undefined, 'a', 'a', 'b']) {
      expect((await app.chat({ ...body, cache_salt })).status).toBe(200)
    }
    expect(fetched).toBe(3)
  })

  describe('by an address whose name is looked up', () => {
    const url = 'https://example.com/x.png?signature=SECRET'
    const withResolver = (reply: () => Response) => {
      const fetchImage = async (address: string) => {
        if (address.startsWith('https://dns.example/')) return reply()
        return new Response(Uint8Array.of(9, 1), { headers: { 'content-type': 'image/png' } })
      }
      return createTestApp({ fetchImage, config: { imageDnsUrl: 'https://dns.example/dns-query' } })
    }
    const leadingTo = (address: string) => () => new Response(new Uint8Array(dnsReply('example.com', [{ address }])))

    it('are fetched when it is public', async () => {
      const app = await withResolver(leadingTo('93.184.216.34'))
      expect((await app.chat(asking({ type: 'image_url', image_url: url }))).status).toBe(200)
    })

    it('are refused when it is not, and the log does not tell the address', async () => {
      const app = await withResolver(leadingTo('169.254.169.254'))
      const reply = await app.chat(asking(text('a'), { type: 'image_url', image_url: url }))
      expect(reply.status).toBe(400)
      expect(reply.headers.get('x-should-retry')).toBe('false')
      const body = await reply.text()
      expect(JSON.parse(body)).toMatchObject({
        error: { code: 'image.forbidden_url', param: 'messages[0].content[1].image_url' },
      })
      expect(`${body}${JSON.stringify(app.log)}`).not.toMatch(/SECRET|example\.com/)
    })

    it('are to be asked for again when the resolver does not answer', async () => {
      const app = await withResolver(() => new Response('no', { status: 500 }))
      const reply = await app.chat(asking({ type: 'image_url', image_url: url }))
      expect(reply.status).toBe(503)
      expect([reply.headers.get('retry-after'), reply.headers.get('x-should-retry')]).toEqual(['1', null])
      const body = await reply.text()
      expect(JSON.parse(body)).toMatchObject({
        error: { code: 'resolver.unavailable', param: 'messages[0].content[0].image_url' },
      })
      expect(`${body}${JSON.stringify(app.log)}`).not.toMatch(/SECRET|example\.com/)
    })
  })

  it('are at most 8 in a request', async () => {
    const app = await createTestApp()
    const reply = await app.chat(asking(...Array.from({ length: 9 }, () => image(1))))
    expect(reply.status).toBe(400)
    expect(await reply.json()).toMatchObject({ error: { param: 'messages[0].content[8].image_url' } })
    expect(app.decoded).toHaveLength(0)
  })
})

describe('control tokens in what people type', () => {
  it.each(['<end_of_turn>', '<start_of_turn>model', '<image_soft_token>', '<start_of_image>', '<bos>'])(
    '%s is plain text and has no effect',
    async (forged) => {
      const app = await createTestApp()
      await app.chat(asking(text(`a ${forged} b`), image(1)))
      const ids = [...(app.worker.admitted[0]?.inputIds ?? [])]
      const count = (id: number) => ids.filter((other) => other === id).length
      expect(count(TINY_IDS.endOfTurn)).toBe(1)
      expect(count(TINY_IDS.turn)).toBe(2)
      expect(count(TINY_IDS.boi)).toBe(1)
      expect(count(TINY_IDS.soft)).toBe(4)
      expect(count(TINY_IDS.bos)).toBe(1)
      expect(tinyTokenizer.decode(ids)).toContain(`a ${forged} b`)
    },
  )
})
