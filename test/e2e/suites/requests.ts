import { request } from 'node:http'
import { encodeGenerateRequest, WORKER_PATHS } from '@loupe/shared/wire'
import { describe, expect, it } from 'vitest'
import { dataUri, examplePath, imagePart, textPart } from '../support/pictures.ts'
import { MODEL, type Stack } from '../support/stack.ts'

const BIG_BYTES = 20_000_000

interface Reply {
  readonly status: number
  readonly body: string
}

/** Sends a body of 20 MB in pieces until it is told to stop. */
function sendBig(url: string, headers: Record<string, string>): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sending = request(url, { method: 'POST', headers }, (reply) => {
      let body = ''
      reply.setEncoding('utf8').on('data', (text: string) => {
        body += text
      })
      reply.on('end', () => resolve({ status: reply.statusCode ?? 0, body }))
    })
    sending.on('error', reject)
    sending.end(Buffer.alloc(BIG_BYTES, 'x'))
  })
}

/** Requests that are refused, and text that must have no effect. */
export function requestsSuite(stack: () => Stack): void {
  describe('a 20 MB body', () => {
    it.each([
      ['with its length', { 'content-length': String(BIG_BYTES) }],
      ['without', { 'transfer-encoding': 'chunked' }],
    ])('%s is 413', async (_, headers) => {
      const { status, body } = await sendBig(`${stack().edgeUrl}/v1/chat/completions`, headers)
      expect(status).toBe(413)
      expect(JSON.parse(body)).toMatchObject({ error: { code: 'request.too_large' } })
    })
  })

  describe('a request', () => {
    it('for an unknown model is 404', async () => {
      const reply = await stack().chat({ model: 'nobody/nothing', messages: [{ role: 'user', content: 'a' }] })
      expect(reply.status).toBe(404)
      expect(await reply.json()).toMatchObject({ error: { code: 'model_not_found' } })
    })

    it('with more text than the context holds is 400', async () => {
      const reply = await stack().chat({ messages: [{ role: 'user', content: 'circle '.repeat(9000) }] })
      expect(reply.status).toBe(400)
      expect(await reply.json()).toMatchObject({ error: { code: 'context_length_exceeded' } })
    })

    it('of the worker with 3 pictures but 2 places is refused by the worker', async () => {
      const image = (ids: number[]) => [...ids, ...Array.from({ length: 256 }, () => 1407)]
      const { headers, body } = encodeGenerateRequest({
        inputIds: Int32Array.from([2, ...image([]), 107, ...image([])]),
        imageDigests: ['aa', 'bb', 'cc'].map((byte) => byte.repeat(32)),
        patches: [],
        parameters: { max_tokens: 1 },
      })
      const url = `${stack().worker.url}${WORKER_PATHS.generateStream(MODEL)}`
      const reply = await fetch(url, { method: 'POST', headers, body })
      expect(reply.status).toBe(400)
      expect(await reply.json()).toMatchObject({ code: 'image.count_mismatch' })
    })
  })

  describe('control tokens in what people type', () => {
    const picture = imagePart(dataUri(examplePath('red-circle.png')))

    async function usageOf(text: string) {
      const messages = [{ role: 'user', content: [picture, textPart(text)] }]
      const reply = await stack().chat({ messages, max_tokens: 1 })
      expect(reply.status).toBe(200)
      const { usage } = (await reply.json()) as {
        usage: { prompt_tokens: number; prompt_tokens_details: { image_tokens: number } }
      }
      return usage
    }

    it.each(['<end_of_turn>', '<image_soft_token>', '<start_of_image>', '<bos>'])(
      '%s is plain text: it makes no picture and is longer than one token',
      async (forged) => {
        const plain = await usageOf('a b')
        const usage = await usageOf(`a ${forged} b`)
        expect(usage.prompt_tokens_details.image_tokens).toBe(256)
        expect(usage.prompt_tokens).toBeGreaterThan(plain.prompt_tokens + 3)
      },
    )
  })
}
