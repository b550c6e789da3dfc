import { describe, expect, it } from 'vitest'
import { claimReply, finishReply, isHeldBy, type ReplyEntry, renewReply } from './reply-entry.ts'

const NOW = 1_764_000_000_000
const LEASE_MS = 45_000
const ask = (attempt: string, digest = 'digest') => ({ attempt, digest })
const reply = { status: 200, headers: [], body: Uint8Array.of(1) }

function claimed(attempt: string, nowMs = NOW): ReplyEntry {
  const { entry } = claimReply(undefined, ask(attempt), nowMs)
  if (entry === undefined) throw new Error('expected a claim')
  return entry
}

describe('a claim', () => {
  it('is the first one’s, until it is answered or its lease is over', () => {
    const entry = claimed('a')
    expect(claimReply(entry, ask('b'), NOW + LEASE_MS - 1)).toEqual({ claim: { outcome: 'running' } })
    const taken = claimReply(entry, ask('b'), NOW + LEASE_MS)
    expect(taken).toMatchObject({ claim: { outcome: 'yours' }, entry: { attempt: 'b' } })
  })

  it('lasts as long as it is renewed', () => {
    const renewed = renewReply(claimed('a'), 'a', NOW + 15_000)
    expect(claimReply(renewed, ask('b'), NOW + LEASE_MS)).toEqual({ claim: { outcome: 'running' } })
  })

  it('is refused for another request, running or answered', () => {
    const entry = claimed('a')
    for (const held of [entry, finishReply(entry, 'a', reply)]) {
      expect(claimReply(held, ask('b', 'another'), NOW)).toEqual({ claim: { outcome: 'mismatch' } })
    }
  })

  it('finds what was answered, for a day', () => {
    const done = finishReply(claimed('a'), 'a', reply)
    expect(claimReply(done, ask('b'), NOW + 86_399_999)).toEqual({ claim: { outcome: 'answered', reply } })
    expect(claimReply(done, ask('b', 'another'), NOW + 86_400_000).claim).toEqual({ outcome: 'yours' })
  })
})

describe('an attempt that has lost its claim', () => {
  it('changes nothing any more', () => {
    const { entry } = claimReply(claimed('a'), ask('b'), NOW + LEASE_MS)
    expect(renewReply(entry, 'a', NOW)).toBeUndefined()
    expect(finishReply(entry, 'a', reply)).toBeUndefined()
    expect(isHeldBy(entry, 'a')).toBe(false)
    expect(isHeldBy(entry, 'b')).toBe(true)
  })

  it('cannot take an answer back', () => {
    const done = finishReply(claimed('a'), 'a', reply)
    expect(isHeldBy(done, 'a')).toBe(false)
    expect(finishReply(done, 'a', undefined)).toBeUndefined()
  })

  it('has nothing where nothing is', () => {
    expect(renewReply(undefined, 'a', NOW)).toBeUndefined()
    expect(finishReply(undefined, 'a', reply)).toBeUndefined()
  })
})
