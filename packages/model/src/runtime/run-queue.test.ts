import { describe, expect, it } from 'vitest'
import { RunQueue } from './run-queue.ts'
import { expectError } from './testing/expect-error.ts'

/** A task that runs until it is told to end. */
function task(name: string, log: string[]) {
  const end = Promise.withResolvers<string>()
  const run = () => {
    log.push(name)
    return end.promise
  }
  return { run, end: () => end.resolve(name), fail: () => end.reject(new Error(name)) }
}

const settle = () => Promise.resolve().then(() => new Promise((resolve) => setImmediate(resolve)))

describe('RunQueue', () => {
  it('starts no more tasks than its limit, the rest in the order they came', async () => {
    const log: string[] = []
    const queue = new RunQueue(2)
    const [a, b, c, d] = [task('a', log), task('b', log), task('c', log), task('d', log)]
    const all = Promise.all([a, b, c, d].map(({ run }) => queue.run(run, undefined)))
    await settle()
    expect(log).toEqual(['a', 'b'])
    b.end()
    await settle()
    expect(log).toEqual(['a', 'b', 'c'])
    a.end()
    await settle()
    expect(log).toEqual(['a', 'b', 'c', 'd'])
    c.end()
    d.end()
    expect(await all).toEqual(['a', 'b', 'c', 'd'])
  })

  it('passes on the place of a task that failed', async () => {
    const log: string[] = []
    const queue = new RunQueue(1)
    const [a, b] = [task('a', log), task('b', log)]
    const first = queue.run(a.run, undefined)
    const second = queue.run(b.run, undefined)
    a.fail()
    b.end()
    await expect(first).rejects.toThrow('a')
    expect(await second).toBe('b')
  })

  it('drops a waiting task whose signal aborts, and keeps the places of the others', async () => {
    const log: string[] = []
    const queue = new RunQueue(1)
    const [a, b, c] = [task('a', log), task('b', log), task('c', log)]
    const controller = new AbortController()
    const first = queue.run(a.run, undefined)
    const dropped = expectError(() => queue.run(b.run, controller.signal), 'request.cancelled', /./)
    const third = queue.run(c.run, undefined)
    await settle()
    controller.abort()
    await dropped
    a.end()
    c.end()
    expect(await Promise.all([first, third])).toEqual(['a', 'c'])
    expect(log).toEqual(['a', 'c'])
  })

  it('never starts a task whose signal has aborted, although there is a free place', async () => {
    const log: string[] = []
    const queue = new RunQueue(1)
    const { run } = task('a', log)
    await expectError(() => queue.run(run, AbortSignal.abort()), 'request.cancelled', /./)
    expect(log).toEqual([])
  })
})
