import { decodeGenerateRequest, HEADER_LENGTH_HEADER } from '@loupe/shared/wire'
import { describe, expect, it } from 'vitest'
import { concatBytes } from '../../fuzz/containers/bytes.ts'
import { pngFile } from '../../fuzz/containers/png-chunks.ts'
import { caseRandom } from '../../fuzz/random.ts'
import { descendantBytes } from '../../support/descendant-memory.ts'
import { simdPipeline } from '../../support/image-pipelines.ts'
import { plainPng, soundPicture } from '../support/hostile-files.ts'
import { HARMLESS, REFUSED } from '../support/hostile-pictures.ts'
import { bytesUri, imagePart } from '../support/pictures.ts'
import type { Stack } from '../support/stack.ts'

const PARAM = 'messages[0].content[0].image_url'
const MIB = 1024 * 1024
/**
 * `wrangler dev` itself keeps about 0.1 MB a request, of a Worker of two lines as well, and JavaScript's heap breathes by
 * tens of megabytes. A decoder left behind by each of 200 requests would be gigabytes.
 */
const UNCOLLECTED_BYTES = 128 * MIB

const asking = (url: string) => ({ messages: [{ role: 'user', content: [imagePart(url)] }], max_tokens: 1 })
const digestOf = async (bytes: Uint8Array) => Buffer.from((await simdPipeline.preprocess(bytes)).digest).toString('hex')

/** Asks about a picture that must be one, and tells which the worker was shown. */
async function digestSeen(stack: Stack, url: string): Promise<string | undefined> {
  const reply = await stack.chat(asking(url))
  expect([reply.status, await reply.text()]).toEqual([200, expect.any(String)])
  const call = stack.proxy.calls.findLast(({ path }) => path.endsWith('/generate_stream'))
  const length = call?.headers[HEADER_LENGTH_HEADER]
  if (call === undefined || typeof length !== 'string') throw new Error('the worker was not asked')
  return decodeGenerateRequest({ headerLength: length, body: call.body }).imageDigests[0]
}

/** Files that are meant to take a decoder, or the whole edge, down. */
export function hostilePicturesSuite(stack: () => Stack): void {
  describe('a hostile picture', () => {
    it.each(REFUSED)('$name is $status $code', async ({ make, status, code, says }) => {
      const reply = await stack().chat(asking(bytesUri(make())))
      expect([reply.status, await reply.json()]).toEqual([
        status,
        { error: expect.objectContaining({ code, param: PARAM, message: expect.stringMatching(says) }) },
      ])
    })

    it.each(HARMLESS)('$name is the picture that it shows', async ({ make, like }) => {
      expect(await digestSeen(stack(), bytesUri(make()))).toBe(await digestOf(like()))
    })
  })

  addressesSuite(stack)
  endurancesSuite(stack)
}

/** What people put round the bytes. */
function addressesSuite(stack: () => Stack): void {
  const base64 = Buffer.from(plainPng()).toString('base64')

  describe('a data: URI', () => {
    it.each([
      ['of a wrong type', `data:text/html;base64,${base64}`],
      ['of no type', `data:;base64,${base64}`],
      ['with parameters', `data:image/jpeg;charset=utf-8;name=a.jpg;base64,${base64}`],
      ['in capitals', `DATA:IMAGE/PNG;BASE64,${base64}`],
      ['in the alphabet of addresses', `data:image/png;base64,${base64.replaceAll('+', '-').replaceAll('/', '_')}`],
      ['with megabytes of white space', `data:image/png;base64,${[...base64].join(' \r\n\t'.repeat(4000))}`],
    ])('%s is read for its bytes', async (_, url) => {
      expect(await digestSeen(stack(), url)).toBe(await digestOf(plainPng()))
    })

    it.each([
      ['of white space alone', `data:image/png;base64,${' \n'.repeat(3_000_000)}`, 400, 'image.empty'],
      ['that is no base64', `data:image/png;base64,${'*'.repeat(5_000_000)}`, 400, 'image.malformed'],
      ['without its end', `data:image/png;base64,${base64.slice(0, -3)}!`, 400, 'image.malformed'],
      ['without data', 'data:image/png;base64', 400, 'image.malformed'],
      ['in a data: URI', `data:image/png,${bytesUri(plainPng())}`, 415, 'image.unsupported'],
      ['with broken escapes', `data:image/png;base64,%zz${base64}`, 400, 'image.malformed'],
    ])('%s is refused', async (_, url, status, code) => {
      const reply = await stack().chat(asking(url))
      expect([reply.status, await reply.json()]).toMatchObject([status, { error: { code, param: PARAM } }])
    })

    it('that is longer than a request may be is refused unread', async () => {
      const reply = await stack().chat(asking(`data:image/png;base64,${'A'.repeat(13_000_000)}`))
      expect([reply.status, await reply.json()]).toMatchObject([413, { error: { code: 'request.too_large' } }])
    })
  })
}

/** A picture whose decode takes some time and yields to others: noise, 2 megapixels of it. */
async function slowPicture(): Promise<Uint8Array> {
  const { deflateSync } = await import('node:zlib')
  const line = concatBytes([Uint8Array.of(4), caseRandom(5, 6).bytes(1600 * 3)])
  const data = deflateSync(concatBytes(Array.from({ length: 1200 }, () => line)), { level: 1 })
  return pngFile({ width: 1600, height: 1200 }, new Uint8Array(data))
}

/** Many of them, and what is left after them. */
function endurancesSuite(stack: () => Stack): void {
  const sound = ['420.jpg', 'lossless.webp', 'rgb-8.png', '../input/chelsea.gif'].map(soundPicture)

  describe('200 hostile requests in a row', () => {
    it('leave memory as it was, and the next honest one is served', async () => {
      const light = REFUSED.map(({ make }) => make()).filter(({ byteLength }) => byteLength < MIB)
      const ask = async (index: number) => {
        const bytes = light[index % light.length] ?? new Uint8Array()
        const reply = await stack().chat(asking(bytesUri(bytes)))
        expect([400, 413, 415]).toContain(reply.status)
        await reply.body?.cancel()
      }
      for (let index = 0; index < 40; index++) await ask(index) // what the first ones leave is theirs to keep
      const before = descendantBytes('workerd')
      for (let index = 0; index < 200; index++) await ask(index)
      expect(descendantBytes('workerd') - before).toBeLessThan(UNCOLLECTED_BYTES)
      for (const bytes of sound) expect(await digestSeen(stack(), bytesUri(bytes))).toBe(await digestOf(bytes))
    })
  })

  describe('20 requests at once', () => {
    it('are decoded in turn: each is served rightly or told to come back, and memory is that of one', async () => {
      const slow = await slowPicture()
      const expected = await digestOf(slow)
      expect(await digestSeen(stack(), bytesUri(slow))).toBe(expected)
      const start = stack().proxy.calls.length
      const before = descendantBytes('workerd')
      const replies = await Promise.all(Array.from({ length: 20 }, () => stack().chat(asking(bytesUri(slow)))))
      const statuses = replies.map(({ status }) => status)
      await Promise.all(replies.map((reply) => reply.text()))
      expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(17)
      expect(statuses.filter((status) => status !== 200 && status !== 429)).toEqual([])
      const seen = stack()
        .proxy.calls.slice(start)
        .filter(({ path }) => path.endsWith('/generate_stream'))
        .map(({ body, headers }) => {
          const headerLength = String(headers[HEADER_LENGTH_HEADER])
          return decodeGenerateRequest({ headerLength, body }).imageDigests[0]
        })
      expect(new Set(seen)).toEqual(new Set([expected]))
      expect(descendantBytes('workerd') - before).toBeLessThan(400 * MIB)
    })
  })

  describe('clients that leave while their pictures are decoded', () => {
    it('do not stop the next one', { timeout: 60_000 }, async () => {
      const slow = bytesUri(await slowPicture())
      const clients = Array.from({ length: 8 }, () => new AbortController())
      const left = clients.map(({ signal }) =>
        stack()
          .chat(asking(slow), { signal })
          .catch(() => 'left'),
      )
      await new Promise((resolve) => setTimeout(resolve, 200))
      for (const client of clients) client.abort()
      const [bytes] = sound
      if (bytes === undefined) throw new Error('there is no sound picture')
      expect(await digestSeen(stack(), bytesUri(bytes))).toBe(await digestOf(bytes))
      await Promise.all(left)
    })
  })
}
