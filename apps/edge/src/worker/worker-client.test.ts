import { describe, expect, it, vi } from 'vitest'
import type { Fetch } from '../fetch.ts'
import { createWorkerClient } from './worker-client.ts'

const signal = new AbortController().signal
const clientOf = (fetch: Fetch, limits: { replyMs?: number; silenceMs?: number } = {}) =>
  createWorkerClient({ url: 'http://worker.example', fetch, replyMs: 5000, silenceMs: 5000, ...limits })
const replying = (reply: () => Response) => clientOf(() => Promise.resolve(reply()))
const oip = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  Response.json(body, { status, headers })
const question = { inputIds: Int32Array.of(2), imageDigests: [], patches: [], parameters: {} }

describe('createWorkerClient', () => {
  it('passes the worker’s own faults on, with their facts and their wait', async () => {
    const missing = () => oip(409, { error: 'no', code: 'image.missing', facts: { missing: ['ab'] } })
    await expect(replying(missing).generate('m', question, signal)).rejects.toMatchObject({
      code: 'image.missing',
      facts: { missing: ['ab'] },
    })
    const full = () => oip(429, { error: 'full', code: 'queue.full' }, { 'retry-after-ms': '2500' })
    await expect(replying(full).generate('m', question, signal)).rejects.toMatchObject({
      code: 'queue.full',
      retryAfterMs: 2500,
    })
  })

  it.each([502, 503, 504, 530])('takes a %i without a fault of ours for a worker that is not there', async (status) => {
    const html = () => new Response('<html>Bad gateway</html>', { status })
    await expect(replying(html).checkReady(signal)).rejects.toMatchObject({ code: 'worker.unavailable' })
  })

  it('takes other faults that are not ours for a worker that is not well', async () => {
    await expect(replying(() => oip(500, { error: 'x' })).checkReady(signal)).rejects.toMatchObject({
      code: 'worker.lost',
    })
  })

  it.each([
    ['metadata that are not', () => Response.json({ name: 'm' })],
    ['no JSON', () => new Response('hello')],
  ])('refuses %s', async (_, reply) => {
    await expect(replying(reply).metadata('m', signal)).rejects.toMatchObject({ code: 'worker.lost' })
  })

  it('tells a worker that cannot be reached from one that is slow and from a client that left', async () => {
    const dead = clientOf(() => Promise.reject(new TypeError('connection refused')))
    await expect(dead.checkReady(signal)).rejects.toMatchObject({ code: 'worker.unavailable' })
    const hanging: Fetch = (_, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
      })
    await expect(clientOf(hanging, { replyMs: 1 }).checkReady(signal)).rejects.toMatchObject({ code: 'worker.timeout' })
    const client = new AbortController()
    const asking = clientOf(hanging).generate('m', question, client.signal)
    client.abort()
    await expect(asking).rejects.toMatchObject({ code: 'request.cancelled' })
  })

  it('gives up on an answer that falls silent, before and after its first byte', async () => {
    const hanging: Fetch = (_, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
      })
    const starting = clientOf(hanging, { silenceMs: 1 }).generate('m', question, signal)
    await expect(starting).rejects.toMatchObject({ code: 'worker.timeout' })

    const silent: Fetch = (_, init) => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          init?.signal?.addEventListener('abort', () => controller.error(init.signal?.reason))
        },
      })
      return Promise.resolve(new Response(body))
    }
    const events = await clientOf(silent, { silenceMs: 1 }).generate('m', question, signal)
    await expect(events.next()).rejects.toMatchObject({ code: 'worker.timeout' })
  })

  it('leaves no timer when nobody reads the answer that it started', async () => {
    vi.useFakeTimers()
    try {
      const client = replying(() => new Response(': waiting\n\n'))
      const events = await client.generate('m', question, signal)
      await events.return()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('escapes the name of a model', async () => {
    const urls: string[] = []
    const fetch: Fetch = (url) => {
      urls.push(url)
      return Promise.resolve(new Response(null, { status: 404 }))
    }
    await clientOf(fetch)
      .metadata('a/b?c#d', signal)
      .catch(() => undefined)
    expect(urls).toEqual(['http://worker.example/v2/models/a%2Fb%3Fc%23d'])
  })
})
