import { describe, expect, it } from 'vitest'
import { prune, type RateWindow, resetMs, secondAt, used, waitMs } from './rate-window.ts'

const LIMIT = 7
/** In the middle of a second. */
const START_MS = 1_764_000_000_400

/** Takes one when the limit allows it. */
function take(window: RateWindow, nowMs: number): boolean {
  prune(window, nowMs)
  if (waitMs(window, { metered: 'requests', limit: LIMIT, wanted: 1 }, nowMs) > 0) return false
  secondAt(window, nowMs).use.requests++
  return true
}

/** Numbers from 0 to 1 that are the same in every run. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state / 2 ** 32
  }
}

describe('a rate window', () => {
  it.each([1, 2, 3, 4])('never lets more through in any 60 s than the limit, however requests come (%i)', (seed) => {
    const window: RateWindow = new Map()
    const taken: number[] = []
    const random = numbers(seed)
    for (let nowMs = START_MS; taken.length < 200; ) {
      nowMs += Math.floor(random.next().value ** 6 * 40_000)
      if (take(window, nowMs)) taken.push(nowMs)
    }
    for (const [at, begin] of taken.entries()) {
      const inside = taken.slice(at).filter((ms) => ms - begin < 60_000)
      expect(inside.length).toBeLessThanOrEqual(LIMIT)
    }
    expect(window.size).toBeLessThanOrEqual(61)
  })

  it('is whole again 61 s after the last use at the latest, and 60 s after it at the earliest', () => {
    const window: RateWindow = new Map()
    for (let count = 0; count < LIMIT; count++) expect(take(window, START_MS)).toBe(true)
    expect(take(window, START_MS + 60_000)).toBe(false)
    expect(resetMs(window, 'requests', START_MS)).toBe(60_600)
    expect(take(window, START_MS + 60_600)).toBe(true)
  })

  it('says how long to wait until as much is free as is wanted', () => {
    const window: RateWindow = new Map()
    for (const [afterMs, tokens] of [
      [0, 30],
      [10_000, 50],
      [20_000, 20],
    ] as const) {
      secondAt(window, START_MS + afterMs).use.tokens += tokens
    }
    const nowMs = START_MS + 20_000
    const wait = (wanted: number) => waitMs(window, { metered: 'tokens', limit: 120, wanted }, nowMs)
    expect(used(window, 'tokens')).toBe(100)
    expect(wait(20)).toBe(0)
    expect(wait(21)).toBe(60_600 - 20_000)
    expect(wait(50)).toBe(60_600 - 20_000)
    expect(wait(51)).toBe(60_600 - 10_000)
    expect(wait(120)).toBe(60_600)
    expect(wait(121)).toBe(Number.POSITIVE_INFINITY)
  })

  it('has nothing to wait for when nothing was used', () => {
    expect(resetMs(new Map(), 'tokens', START_MS)).toBe(0)
    const window: RateWindow = new Map()
    secondAt(window, START_MS).use.requests++
    expect(resetMs(window, 'tokens', START_MS)).toBe(0)
  })
})
