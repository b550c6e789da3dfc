import { describe, expect, it } from 'vitest'
import type { RuntimeSession } from '../graph/runtime.ts'
import { LazySession } from './lazy-session.ts'

/** A session that only counts how often it was disposed, and a way to decide how its load ends. */
function loading() {
  const disposed = { count: 0 }
  const session: RuntimeSession = {
    inputs: [],
    outputs: [],
    bind: () => expect.fail('nothing is bound'),
    [Symbol.dispose]: () => void disposed.count++,
  }
  const { promise, resolve, reject } = Promise.withResolvers<RuntimeSession>()
  return { disposed, session, promise, finish: () => resolve(session), fail: reject }
}

describe('LazySession', () => {
  it('loads once for all who ask, and not before', async () => {
    const { promise, finish, session } = loading()
    let loads = 0
    const lazy = new LazySession(() => [promise, loads++][0] as typeof promise)
    expect(loads).toBe(0)
    const both = Promise.all([lazy.get(), lazy.get()])
    finish()
    expect(await both).toEqual([session, session])
    expect(await lazy.get()).toBe(session)
    expect(loads).toBe(1)
  })

  it('tries again after a load that failed', async () => {
    const [first, second] = [loading(), loading()]
    const loads = [first.promise, second.promise]
    const lazy = new LazySession(() => loads.shift() ?? expect.fail('a third load'))
    first.fail(new Error('no memory'))
    await expect(lazy.get()).rejects.toThrow('no memory')
    second.finish()
    expect(await lazy.get()).toBe(second.session)
  })

  it('disposes what it loaded, once', async () => {
    const { promise, finish, disposed } = loading()
    const lazy = new LazySession(() => promise)
    finish()
    await lazy.get()
    lazy[Symbol.dispose]()
    lazy[Symbol.dispose]()
    expect(disposed.count).toBe(1)
    await expect(lazy.get()).rejects.toThrow('after it was disposed')
  })

  it('disposes a session that arrives too late', async () => {
    const { promise, finish, disposed } = loading()
    const lazy = new LazySession(() => promise)
    const asked = lazy.get()
    lazy[Symbol.dispose]()
    finish()
    await expect(asked).rejects.toThrow('after it was disposed')
    expect(disposed.count).toBe(1)
  })
})
