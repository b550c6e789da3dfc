import { afterEach, describe, expect, it, vi } from 'vitest'
import { ask, listModels } from '../playground/ask.js'
import { TINY_MODEL } from './testing/fake-worker.ts'
import { createTestApp, type TestApp, type TestAppOptions } from './testing/test-app.ts'

/** The app, reached by the page's own `fetch`. */
async function open(options?: TestAppOptions): Promise<TestApp> {
  const app = await createTestApp(options)
  vi.stubGlobal('fetch', (path: string, init?: RequestInit) => app.request(path, init))
  return app
}

async function collect<T>(parts: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const part of parts) list.push(part)
  return list
}

const asking = (signal = new AbortController().signal) => {
  const pictures = [`data:image/png;base64,${btoa('p')}`]
  return ask({ model: TINY_MODEL, key: '', question: 'What?', pictures, signal })
}

describe('the page’s client', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it('finds the model and yields an answer as it is made, then its usage', async () => {
    await open()
    expect(await listModels('')).toEqual([TINY_MODEL])
    const parts = await collect(asking())
    expect(parts.flatMap((part) => ('text' in part ? part.text : []))).toEqual(['h', 'e', 'l', 'l', 'o'])
    expect(parts.at(-1)).toMatchObject({ usage: { completion_tokens: 5 } })
  })

  it('tells why it was refused, with the code and the request id', async () => {
    await open({ config: { isOpen: false, apiKeys: ['sk-a'] } })
    await expect(listModels('sk-b')).rejects.toMatchObject({
      message: 'The API key is not valid.',
      status: 401,
      code: 'invalid_api_key',
      requestId: expect.stringMatching(/^req_/),
    })
    expect(await listModels('sk-a')).toEqual([TINY_MODEL])
  })

  it('tells a fault in the middle of an answer', async () => {
    const app = await open()
    app.worker.script = () => [{ type: 'tokens', ids: [300] }]
    await expect(collect(asking())).rejects.toMatchObject({ code: 'worker.lost' })
  })

  it('tells that the server cannot be reached, and not when it was stopped', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('failed')))
    await expect(listModels('')).rejects.toMatchObject({ message: 'The server cannot be reached.' })
    const stopped = AbortSignal.abort()
    vi.stubGlobal('fetch', () => Promise.reject(stopped.reason))
    await expect(collect(asking(stopped))).rejects.toMatchObject({ name: 'AbortError' })
  })
})
