import { afterEach, describe, expect, it, vi } from 'vitest'
import { reachObject } from './reach-object.ts'

afterEach(() => vi.useRealTimers())

describe('reachObject', () => {
  it('gives what the object answers, and leaves no timer behind', async () => {
    vi.useFakeTimers()
    expect(await reachObject(() => Promise.resolve(5))).toBe(5)
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    ['fails', () => Promise.reject(new Error('the object was reset'))],
    [
      'cannot be called',
      () => {
        throw new TypeError('no stub')
      },
    ],
  ])('refuses when the object %s, and keeps the cause for the log', async (_, call) => {
    const refused = { code: 'ledger.unavailable', cause: expect.any(Error) }
    await expect(reachObject(call)).rejects.toMatchObject(refused)
  })

  it('refuses when the object says nothing', async () => {
    vi.useFakeTimers()
    const refused = expect(reachObject(() => new Promise(() => {}))).rejects.toMatchObject({
      code: 'ledger.unavailable',
    })
    await vi.advanceTimersByTimeAsync(5000)
    await refused
  })
})
