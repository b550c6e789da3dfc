import { request } from 'node:http'
import { readGenerateStream } from '@loupe/shared/wire'
import { describe, expect, it } from 'vitest'
import { type ServerOptions, startServer, type WorkerServer } from './server.ts'
import { createFixture, question, STREAM, type WorkerFixture } from './testing/worker-fixture.ts'

/** A server on a free port of this machine. */
const start = (fixture: WorkerFixture, options: Partial<ServerOptions> = {}) =>
  startServer({
    models: [fixture.served],
    host: '127.0.0.1',
    port: 0,
    log: () => {},
    version: '0.0.0',
    drainMs: 0,
    ...options,
  })

async function withServer(drainMs: number, test: (server: WorkerServer, fixture: WorkerFixture) => Promise<void>) {
  const fixture = createFixture()
  const server = await start(fixture, { drainMs })
  try {
    await test(server, fixture)
  } finally {
    await server.close()
  }
}

function ask(server: WorkerServer) {
  return fetch(`${server.url}${STREAM}`, question())
}

async function read(response: Response): Promise<string[]> {
  const kinds: string[] = []
  if (response.body === null) throw new Error('a stream has a body')
  for await (const event of readGenerateStream(response.body)) kinds.push(event.type)
  return kinds
}

describe('a worker that listens', () => {
  it.each([
    ['that announced its size', {}],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
  ])('stops the answer to a body %s within one step when the socket closes', async (_, framing) => {
    await withServer(0, async (server, { model, served }) => {
      // The third step after the prompt never ends by itself.
      model.hold = () => (model.steps.decode < 3 ? Promise.resolve() : new Promise(() => {}))
      const { headers, body } = question()
      await new Promise<void>((resolve, reject) => {
        const all = { ...(headers as Record<string, string>), ...framing }
        const client = request(`${server.url}${STREAM}`, { method: 'POST', headers: all })
        client.on('response', (response) => {
          response.once('data', () => client.destroy())
          response.on('close', resolve)
          response.on('error', () => {}) // we hung up ourselves
        })
        client.on('error', reject)
        client.end(body)
      })
      await served.engine.idle()
      expect(model.steps.decode).toBeLessThanOrEqual(3)
      expect(model.heldSlots).toBe(0)
    })
  })

  it('lets a running answer end when it shuts down, and refuses new ones', async () => {
    await withServer(60_000, async (server, { model }) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      model.hold = () => promise
      const running = await ask(server)
      const closed = server.close()
      expect((await ask(server)).status).toBe(503)
      expect((await fetch(`${server.url}/v2/health/ready`)).status).toBe(503)
      resolve()
      expect(await read(running)).toEqual(['tokens', 'tokens', 'tokens', 'done'])
      await closed
      await expect(fetch(`${server.url}/v2`)).rejects.toThrow()
    })
  })

  it('aborts what is left after the drain time', async () => {
    await withServer(10, async (server, { model }) => {
      model.hold = () => new Promise(() => {})
      const running = await ask(server)
      const ended = expect(read(running)).rejects.toMatchObject({ code: 'worker.unavailable' })
      await server.close()
      await ended
      expect(model.heldSlots).toBe(0)
    })
  })

  it('says which address is taken', async () => {
    await withServer(0, async ({ url }, fixture) => {
      const port = Number(new URL(url).port)
      await expect(start(fixture, { port })).rejects.toMatchObject({
        code: 'worker.unavailable',
        message: expect.stringContaining(`${port}`),
      })
    })
  })

  it('gives its address also over IPv6', async (context) => {
    const server = await start(createFixture(), { host: '::1' }).catch(() => undefined)
    if (server === undefined) return context.skip('this machine has no IPv6')
    expect((await fetch(`${server.url}/v2/health/live`)).status).toBe(200)
    await server.close()
  })
})
