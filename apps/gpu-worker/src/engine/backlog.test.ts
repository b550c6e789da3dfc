import { describe, expect, it } from 'vitest'
import { Backlog } from './backlog.ts'

describe('Backlog', () => {
  it('learns the time of a token from the steps of the batch', () => {
    const backlog = new Backlog()
    for (let n = 0; n < 1000; n++) backlog.record(8, 80)
    expect(backlog.waitMs(500)).toBe(5000)
  })

  it('weighs steps by what they did: a chunk of a prompt among single tokens', () => {
    const backlog = new Backlog()
    for (let n = 0; n < 1000; n++) backlog.record(n % 2 === 0 ? 99 : 1, 50)
    expect(backlog.waitMs(5000) / 5000).toBeCloseTo(1, 1)
  })

  it('says at least one second and at most one minute', () => {
    const backlog = new Backlog()
    expect([backlog.waitMs(0), backlog.waitMs(1e9)]).toEqual([1000, 60_000])
  })

  it('is not misled by a step without tokens', () => {
    const backlog = new Backlog()
    const before = backlog.waitMs(100)
    backlog.record(0, 1e6)
    expect(backlog.waitMs(100)).toBe(before)
  })
})
