import type { ApiScope, KeyLimits } from '@loupe/shared/schema'
import { describe, expect, it } from 'vitest'
import { admit, describe as describeKey, openAccount, reserve, revoke, settle } from './key-account.ts'

const DIGEST = 'd'.repeat(64)
const NOW = Date.UTC(2026, 10, 30, 23, 59, 30)
const HOUR = Date.UTC(2026, 10, 30, 23)

function account(limits: KeyLimits = {}, fields: { scopes?: ApiScope[]; expiresMs?: number } = {}) {
  const { scopes = ['chat', 'models'], expiresMs } = fields
  return openAccount({
    id: 'id',
    digest: DIGEST,
    name: 'a key',
    owner: 'acme',
    scopes,
    limits,
    createdMs: NOW,
    expiresMs,
    revokedMs: undefined,
  })
}

const ask = (scope: ApiScope | undefined = 'chat', digest = DIGEST) => ({ digest, scope })

describe('admit', () => {
  it('counts a request of a key that may make it', () => {
    const state = account({ requests_per_minute: 2 })
    expect(admit(state, ask(), NOW)).toEqual({
      outcome: 'admitted',
      owner: 'acme',
      newHourMs: HOUR,
      headroom: { requests: { limit: 2, remaining: 1, resetMs: 61_000 }, tokens: undefined },
    })
  })

  it('tells who does not know the key nothing but that', () => {
    const state = account({ requests_per_minute: 1 }, { expiresMs: NOW })
    revoke(state, NOW)
    for (const digest of ['e'.repeat(64), '', DIGEST.slice(1), `${DIGEST}d`]) {
      expect(admit(state, ask('admin', digest), NOW)).toEqual({ outcome: 'unknown' })
    }
  })

  it('refuses a key from the millisecond on at which it expires', () => {
    const state = account({}, { expiresMs: NOW })
    expect(admit(state, ask(), NOW - 1).outcome).toBe('admitted')
    expect(admit(state, ask(), NOW)).toEqual({ outcome: 'expired', atMs: NOW })
  })

  it('refuses a revoked key; when it is revoked again the first time stands', () => {
    const state = account()
    revoke(state, NOW)
    revoke(state, NOW + 5)
    expect(admit(state, ask(), NOW + 9)).toEqual({ outcome: 'revoked', atMs: NOW })
  })

  it('refuses another scope, and counts neither that nor what is above the limit', () => {
    const state = account({ requests_per_minute: 1 })
    expect(admit(state, ask('files'), NOW)).toEqual({ outcome: 'forbidden', scopes: ['chat', 'models'] })
    expect(admit(state, ask(undefined), NOW).outcome).toBe('admitted')
    for (let count = 0; count < 3; count++) {
      expect(admit(state, ask(), NOW + 1000)).toMatchObject({ outcome: 'limited', waitMs: 60_000 })
    }
    expect(describeKey(state, NOW).usage.requests).toBe(1)
    expect(admit(state, ask(), NOW + 61_000).outcome).toBe('admitted')
  })

  it('tells of each hour once that the key is used in it', () => {
    const state = account()
    const hours = [0, 1, 29_999, 30_000, 3_630_000].map((ms) => admit(state, ask(), NOW + ms))
    expect(hours.map((admission) => 'newHourMs' in admission && admission.newHourMs)).toEqual([
      HOUR,
      undefined,
      undefined,
      HOUR + 3_600_000,
      HOUR + 7_200_000,
    ])
  })
})

describe('reserve and settle', () => {
  it('counts what may be used until it is known what was', () => {
    const state = account({ tokens_per_minute: 100 })
    expect(reserve(state, { id: 'a', tokens: 80 }, NOW)).toMatchObject({
      outcome: 'reserved',
      headroom: { tokens: { remaining: 20 } },
    })
    expect(reserve(state, { id: 'b', tokens: 21 }, NOW)).toMatchObject({ outcome: 'limited', by: 'tokens', limit: 100 })
    settle(state, { id: 'a', tokens: 30 }, NOW + 500)
    expect(reserve(state, { id: 'b', tokens: 70 }, NOW + 500)).toMatchObject({
      outcome: 'reserved',
      headroom: { tokens: { remaining: 0 } },
    })
  })

  it('settles once, and only what was reserved', () => {
    const state = account()
    reserve(state, { id: 'a', tokens: 80 }, NOW)
    for (const tokens of [10, 70]) settle(state, { id: 'a', tokens }, NOW)
    settle(state, { id: 'never', tokens: 5 }, NOW)
    expect(describeKey(state, NOW).usage).toMatchObject({ tokens: 10, dayTokens: 10, monthTokens: 10, openAnswers: 0 })
  })

  it('says that no wait helps a request that is above the whole limit', () => {
    const state = account({ tokens_per_minute: 100 })
    const reserved = reserve(state, { id: 'a', tokens: 101 }, NOW)
    expect(reserved).toMatchObject({ outcome: 'limited', waitMs: Number.POSITIVE_INFINITY })
  })

  it.each([
    [{ tokens_per_day: 100 }, 'day'],
    [{ tokens_per_month: 100 }, 'month'],
  ] as const)('refuses what %j does not hold, and starts anew with the next one', (limits, period) => {
    const state = account(limits)
    expect(reserve(state, { id: 'a', tokens: 60 }, NOW).outcome).toBe('reserved')
    expect(reserve(state, { id: 'b', tokens: 41 }, NOW)).toEqual({ outcome: 'spent', period, limit: 100 })
    expect(reserve(state, { id: 'b', tokens: 40 }, NOW).outcome).toBe('reserved')
    // NOW is half a minute before December.
    expect(reserve(state, { id: 'c', tokens: 100 }, NOW + 30_000).outcome).toBe('reserved')
    // What was set aside in November is settled there.
    settle(state, { id: 'a', tokens: 0 }, NOW + 31_000)
    expect(describeKey(state, NOW + 31_000).usage).toMatchObject({ dayTokens: 100, monthTokens: 100 })
  })

  it('holds as many answers at a time as are allowed', () => {
    const state = account({ concurrent_requests: 2 })
    expect(['a', 'b', 'c'].map((id) => reserve(state, { id, tokens: 1 }, NOW).outcome)).toEqual([
      'reserved',
      'reserved',
      'limited',
    ])
    settle(state, { id: 'a', tokens: 1 }, NOW)
    expect(reserve(state, { id: 'c', tokens: 1 }, NOW).outcome).toBe('reserved')
  })

  it('lets go of an answer that nobody has settled in half an hour, and counts all of it', () => {
    const state = account({ concurrent_requests: 1 })
    reserve(state, { id: 'lost', tokens: 50 }, NOW - 86_400_000)
    const laterMs = NOW - 86_400_000 + 1_800_000
    expect(reserve(state, { id: 'b', tokens: 1 }, laterMs - 1).outcome).toBe('limited')
    expect(reserve(state, { id: 'b', tokens: 1 }, laterMs).outcome).toBe('reserved')
    settle(state, { id: 'lost', tokens: 0 }, laterMs)
    expect(describeKey(state, laterMs).usage.monthTokens).toBe(51)
  })

  it('is bounded for a key without limits, too', () => {
    const state = account()
    for (let count = 0; count < 1000; count++) reserve(state, { id: String(count), tokens: 1 }, NOW)
    expect(reserve(state, { id: 'more', tokens: 1 }, NOW)).toMatchObject({ outcome: 'limited', by: 'answers' })
  })

  it('makes no answer for a key that has ended since the request came', () => {
    const expired = account({}, { expiresMs: NOW })
    expect(reserve(expired, { id: 'a', tokens: 1 }, NOW)).toEqual({ outcome: 'ended' })
    const revoked = account()
    revoke(revoked, NOW)
    expect(reserve(revoked, { id: 'a', tokens: 1 }, NOW)).toEqual({ outcome: 'ended' })
  })
})

describe('describe', () => {
  it('shows all but what the key is checked by', () => {
    const state = account({ tokens_per_day: 5 })
    admit(state, ask(), NOW)
    const shown = describeKey(state, NOW)
    expect(shown.key).toMatchObject({ id: 'id', owner: 'acme', limits: { tokens_per_day: 5 }, lastUsedMs: HOUR })
    expect(JSON.stringify(shown)).not.toContain(DIGEST)
  })

  it('is plain data, which an object stores as it is', () => {
    const state = account({ tokens_per_minute: 9 })
    admit(state, ask(), NOW)
    reserve(state, { id: 'a', tokens: 5 }, NOW)
    expect(structuredClone(state)).toEqual(state)
  })
})
