import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { watchSilence } from './silence-watch.ts'

const SILENCE_MS = 45_000

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A peer that has this many bytes, and after them nothing to say. */
function peer(bytes: number): ReadableStream<Uint8Array> {
  let left = bytes
  return new ReadableStream({
    pull(controller) {
      if (left === 0) return new Promise(() => undefined)
      left--
      controller.enqueue(Uint8Array.of(left))
      return
    },
  })
}

describe('watchSilence', () => {
  it('does not take a reader that stops reading for a peer that says nothing', async () => {
    const watch = watchSilence(SILENCE_MS)
    const reader = watch.over(peer(9)).getReader()
    await reader.read()
    await vi.advanceTimersByTimeAsync(10 * SILENCE_MS)
    expect(watch.signal.aborted).toBe(false)
    expect((await reader.read()).value).toEqual(Uint8Array.of(7))
  })

  it('gives up on a peer that is awaited and says nothing, and counts anew after each piece', async () => {
    const watch = watchSilence(SILENCE_MS)
    const reader = watch.over(peer(1)).getReader()
    await reader.read()
    void reader.read()
    await vi.advanceTimersByTimeAsync(SILENCE_MS - 1)
    expect(watch.signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(watch.signal.reason).toMatchObject({ code: 'worker.timeout' })
  })

  it('gives up on a reply that does not come', async () => {
    const watch = watchSilence(SILENCE_MS)
    void watch.during(new Promise(() => undefined))
    await vi.advanceTimersByTimeAsync(SILENCE_MS)
    expect(watch.signal.reason).toMatchObject({ code: 'worker.timeout' })
  })

  it('leaves no timer behind, whatever becomes of what it watches', async () => {
    const watch = watchSilence(SILENCE_MS)
    await watch.during(Promise.resolve())
    await expect(watch.during(Promise.reject(new Error('refused')))).rejects.toThrow('refused')
    watch.over(peer(1))
    const reader = watch.over(peer(0)).getReader()
    void reader.read()
    await vi.advanceTimersByTimeAsync(1)
    expect(vi.getTimerCount()).toBe(1)
    await reader.cancel()
    expect(vi.getTimerCount()).toBe(0)
  })
})
