import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDecodeTurns } from './decode-turns.ts'

const turnsOf = (maxWaiting = 4) => createDecodeTurns({ maxWaiting, leaseMs: 1000, nowMs: () => Date.now() })

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
    void turns.run(() => new Promise(() => undefined)) // its request was stopped: it never ends
    void turns.run(() => new Promise(() => undefined))
    const waiting = turns.run(() => Promise.resolve('my turn'))
    await vi.advanceTimersByTimeAsync(999)
    const seen: unknown[] = []
    void waiting.then((value) => seen.push(value))
    await vi.advanceTimersByTimeAsync(1)
    expect(seen).toEqual([]) // the second one runs now
    await vi.advanceTimersByTimeAsync(1000)
    expect(seen).toEqual(['my turn'])
  })
})
