import { describe, expect, it, vi } from 'vitest'
import { dataUri, examplePath, imagePart, textPart } from '../support/pictures.ts'
import type { Stack } from '../support/stack.ts'

/** A long answer: the end tokens of the model do not end it. */
const LONG = 4000

const endless = () => ({
  messages: [
    { role: 'user', content: [imagePart(dataUri(examplePath('red-circle.png'))), textPart('Tell me everything.')] },
  ],
  stream: true,
  max_tokens: LONG,
  ignore_eos: true,
})

async function readSome(reply: Response, chunks: number) {
  const reader = reply.body?.getReader()
  if (reader === undefined) throw new Error('the reply has no body')
  for (let count = 0; count < chunks; count++) await reader.read()
  return reader
}

/** Clients that leave, and a worker that is down. */
export function lifetimesSuite(stack: () => Stack): void {
  const running = () => stack().metric('vllm:num_requests_running')

  describe('a client that leaves in the middle of an answer', () => {
    it('stops the worker', async () => {
      const generated = () => stack().metric('vllm:generation_tokens_total')
      const before = await generated()
      const client = new AbortController()
      const reader = await readSome(await stack().chat(endless(), { signal: client.signal }), 5)
      expect(await running()).toBe(1)
      client.abort()
      await reader.closed.catch(() => undefined)
      await vi.waitFor(async () => expect(await running()).toBe(0), { timeout: 10_000, interval: 20 })
      expect((await generated()) - before).toBeLessThan(LONG / 2)
    })
  })

  describe('a stop string', () => {
    it('stops the worker', async () => {
      const reply = await stack().chat({ ...endless(), stream: false, max_tokens: 200 })
      const { choices } = (await reply.json()) as { choices: { message: { content: string } }[] }
      const text = choices[0]?.message.content ?? ''
      const stop = text.slice(20, 24)
      const stopped = await stack().chat({ ...endless(), stream: false, stop })
      expect(await stopped.json()).toMatchObject({
        choices: [{ message: { content: text.slice(0, text.indexOf(stop)) }, finish_reason: 'stop' }],
      })
      await vi.waitFor(async () => expect(await running()).toBe(0), { timeout: 10_000, interval: 20 })
    })
  })

  describe('a worker that is down', () => {
    it('is 503 with a clear error and a wait, and served again when it is back', async () => {
      const { target } = stack().proxy
      stack().proxy.target = undefined
      try {
        for (const stream of [false, true]) {
          const reply = await stack().chat({ messages: [{ role: 'user', content: 'a' }], stream })
          expect(reply.status).toBe(503)
          expect(reply.headers.get('retry-after')).toBe('1')
          expect(await reply.json()).toMatchObject({
            error: { code: 'worker.unavailable', message: 'The model worker cannot be reached.' },
          })
        }
        expect((await fetch(`${stack().edgeUrl}/readyz`)).status).toBe(503)
        expect((await fetch(`${stack().edgeUrl}/healthz`)).status).toBe(200)
      } finally {
        stack().proxy.target = target
      }
      expect((await fetch(`${stack().edgeUrl}/readyz`)).status).toBe(200)
    })
  })
}
