import { describe, expect, it } from 'vitest'
import { Backlog } from './backlog.ts'

describe('Backlog', () => {
  it('learns the time of a token from the jobs that ended', () => {
    const backlog = new Backlog()
    for (let n = 0; n < 60; n++) backlog.record(100, 1000)
    expect(backlog.waitMs(500)).toBe(5000)
  })

  it('says at least one second and at most one minute', () => {
    const backlog = new Backlog()
    expect([backlog.waitMs(0), backlog.waitMs(1e9)]).toEqual([1000, 60_000])
  })

  it('is not misled by a job without tokens', () => {
    const backlog = new Backlog()
    const before = backlog.waitMs(100)
    backlog.record(0, 1e6)
    expect(backlog.waitMs(100)).toBe(before)
  })
})
