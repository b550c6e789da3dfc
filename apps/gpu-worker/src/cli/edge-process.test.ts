import { describe, expect, it } from 'vitest'
import { freePort, startEdge } from './edge-process.ts'

const never = new AbortController().signal

describe('startEdge', () => {
  it('runs the edge in workerd and ends all of it', async () => {
    const workerUrl = `http://127.0.0.1:${await freePort()}`
    const edge = await startEdge({ port: await freePort(), workerUrl, onOutput: () => {}, signal: never })
    try {
      expect((await fetch(`${edge.url}/healthz`)).status).toBe(200)
      expect((await fetch(`${edge.url}/readyz`)).status).toBe(503) // nobody is at `workerUrl`
    } finally {
      await edge.stop()
    }
    await expect(fetch(`${edge.url}/healthz`)).rejects.toThrow()
  })

  it('starts nothing for a caller who has given up', async () => {
    const signal = AbortSignal.abort(new Error('given up'))
    const start = startEdge({ port: await freePort(), workerUrl: 'http://127.0.0.1:9', onOutput: () => {}, signal })
    await expect(start).rejects.toThrow('given up')
  })
})
