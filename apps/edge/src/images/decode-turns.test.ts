import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDecodeTurns } from './decode-turns.ts'

const turnsOf = (maxWaiting = 4) => {
  const turns = createDecodeTurns({ maxWaiting, leaseMs: 1000, abandonedMs: 100, nowMs: () => Date.now() })
  const { signal: staying } = new AbortController()
  return { run: <T>(work: () => Promise<T>, signal = staying) => turns.run(work, signal) }
}

/** Work whose request the platform has stopped between two steps. */
const forever = () => new Promise<never>(() => undefined)

describe('createDecodeTurns', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('runs one piece of work at a time, in order', async () => {
    const turns = turnsOf()
    const steps: string[] = []
    const work = (name: string) => async () => {
      steps.push(`${name} begins`)
      await Promise.resolve()
      await Promise.resolve()
      steps.push(`${name} ends`)
    }
    await Promise.all(['a', 'b', 'c'].map((name) => turns.run(work(name))))
    expect(steps).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })

  it('goes on after work that fails', async () => {
    const turns = turnsOf()
    const failing = turns.run(() => Promise.reject(new Error('bad picture')))
    const next = turns.run(() => Promise.resolve('fine'))
    await expect(failing).rejects.toThrow('bad picture')
    await expect(next).resolves.toBe('fine')
  })

  it('refuses more than may wait', async () => {
    const turns = turnsOf(1)
    const { promise, resolve } = Promise.withResolvers<void>()
    const running = turns.run(() => promise)
    const waiting = turns.run(() => Promise.resolve('waited'))
    await expect(turns.run(() => Promise.resolve())).rejects.toMatchObject({ code: 'queue.full' })
    resolve()
    await running
    await expect(waiting).resolves.toBe('waited')
  })

  it('takes an abandoned turn away when its lease is over', async () => {
    const turns = turnsOf()
    void turns.run(forever)
    void turns.run(forever)
    const waiting = turns.run(() => Promise.resolve('my turn'))
    await vi.advanceTimersByTimeAsync(999)
    const seen: unknown[] = []
    void waiting.then((value) => seen.push(value))
    await vi.advanceTimersByTimeAsync(1)
    expect(seen).toEqual([]) // the second one runs now
    await vi.advanceTimersByTimeAsync(1000)
    expect(seen).toEqual(['my turn'])
  })

  it('lets the next one wait for a client that has left no longer than a decode takes', async () => {
    const turns = turnsOf()
    const client = new AbortController()
    void turns.run(forever, client.signal)
    const seen: unknown[] = []
    void turns.run(() => Promise.resolve('my turn')).then((value) => seen.push(value))
    await vi.advanceTimersByTimeAsync(50)
    client.abort()
    await vi.advanceTimersByTimeAsync(99)
    expect(seen).toEqual([]) // it may still be at work, and two would share the memory
    await vi.advanceTimersByTimeAsync(1)
    expect(seen).toEqual(['my turn'])
  })

  it('forgets who leaves before its turn, and makes room for another', async () => {
    const turns = turnsOf(1)
    const client = new AbortController()
    const { promise, resolve } = Promise.withResolvers<void>()
    const running = turns.run(() => promise)
    const work = vi.fn(forever)
    const waiting = turns.run(work, client.signal)
    client.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'request.cancelled' })
    const next = turns.run(() => Promise.resolve('served'))
    resolve()
    await running
    await expect(next).resolves.toBe('served')
    expect(work).not.toHaveBeenCalled()
    await expect(turns.run(work, client.signal)).rejects.toMatchObject({ code: 'request.cancelled' })
  })

  it('does not begin for a client that left just when its turn came', async () => {
    const turns = turnsOf()
    const client = new AbortController()
    const { promise, resolve } = Promise.withResolvers<void>()
    void turns.run(() => promise)
    const work = vi.fn(forever)
    const waiting = turns.run(work, client.signal)
    const next = turns.run(() => Promise.resolve('served'))
    resolve()
    client.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'request.cancelled' })
    await expect(next).resolves.toBe('served')
    expect(work).not.toHaveBeenCalled()
  })
})
