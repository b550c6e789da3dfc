import type { KeyLimits } from '@loupe/shared/schema'
import type {
  Admission,
  AdmissionAsk,
  Headroom,
  KeyDescription,
  KeyHeadroom,
  ReservationAsk,
  Reserved,
} from './key-book.ts'
import type { KeyRecord } from './key-record.ts'
import { prune, type RateWindow, resetMs, secondAt, used, waitMs } from './rate-window.ts'
import { isSameText } from './same-text.ts'

interface Period {
  /** `2026-11-24` or `2026-11`. */
  readonly name: string
  tokens: number
}

interface OpenReservation {
  readonly tokens: number
  readonly second: number
  readonly day: string
  readonly month: string
  readonly untilMs: number
}

/** All that is kept of one key: plain data, which structured cloning takes. */
export interface KeyAccountState {
  record: KeyRecord
  readonly window: RateWindow
  day: Period
  month: Period
  readonly open: Map<string, OpenReservation>
  lastHourMs: number | undefined
}

const HOUR_MS = 3_600_000
/**
 * An answer that was not settled by then has lost its isolate, and counts as it was reserved. Far above the longest honest
 * answer.
 */
const LEASE_MS = 1_800_000
/** For a key without a limit of its own: what is open is part of every write. */
const MOST_OPEN = 1000
/** Nobody knows when an answer ends. */
const ANSWER_WAIT_MS = 1000

/** The account of a key that was just made. */
export function openAccount(record: KeyRecord): KeyAccountState {
  const { day, month } = periodsOf(record.createdMs)
  return {
    record,
    window: new Map(),
    day: { name: day, tokens: 0 },
    month: { name: month, tokens: 0 },
    open: new Map(),
    lastHourMs: undefined,
  }
}

/** Checks a key and counts a request. A request that is refused is not counted. */
export function admit(state: KeyAccountState, { digest, scope }: AdmissionAsk, nowMs: number): Admission {
  const { record } = state
  if (!isSameText(record.digest, digest)) return { outcome: 'unknown' }
  const end = endOf(record, nowMs)
  if (end !== undefined) return end
  if (scope !== undefined && !record.scopes.includes(scope)) return { outcome: 'forbidden', scopes: record.scopes }
  bringForward(state, nowMs)
  const { owner } = record
  const limit = record.limits.requests_per_minute ?? Number.POSITIVE_INFINITY
  const wait = waitMs(state.window, { metered: 'requests', limit, wanted: 1 }, nowMs)
  if (wait > 0) return { outcome: 'limited', owner, waitMs: wait, headroom: headroomOf(state, nowMs) }
  secondAt(state.window, nowMs).use.requests++
  const hourMs = nowMs - (nowMs % HOUR_MS)
  const newHourMs = hourMs === state.lastHourMs ? undefined : hourMs
  state.lastHourMs = hourMs
  return { outcome: 'admitted', owner, newHourMs, headroom: headroomOf(state, nowMs) }
}

/** Sets tokens aside for an answer. They count as used until it is settled. */
export function reserve(state: KeyAccountState, { id, tokens }: ReservationAsk, nowMs: number): Reserved {
  if (endOf(state.record, nowMs) !== undefined) return { outcome: 'ended' }
  bringForward(state, nowMs)
  const refusal = spentQuota(state, tokens) ?? limitedBy(state, tokens, nowMs)
  if (refusal !== undefined) return refusal
  const { second, use } = secondAt(state.window, nowMs)
  const { day, month } = state
  for (const counted of [use, day, month]) counted.tokens += tokens
  state.open.set(id, { tokens, second, day: day.name, month: month.name, untilMs: nowMs + LEASE_MS })
  return { outcome: 'reserved', headroom: headroomOf(state, nowMs) }
}

/** Puts what an answer has really taken in the place of what was set aside. Settling twice changes nothing. */
export function settle(state: KeyAccountState, { id, tokens }: ReservationAsk, nowMs: number): void {
  bringForward(state, nowMs)
  const reservation = state.open.get(id)
  if (reservation === undefined) return
  state.open.delete(id)
  const difference = tokens - reservation.tokens
  const use = state.window.get(reservation.second)
  if (use !== undefined) use.tokens += difference
  if (state.day.name === reservation.day) state.day.tokens += difference
  if (state.month.name === reservation.month) state.month.tokens += difference
}

/** Ends a key for good. The first time counts. */
export function revoke(state: KeyAccountState, nowMs: number): void {
  state.record = { ...state.record, revokedMs: state.record.revokedMs ?? nowMs }
}

/** What an admin may see of a key. */
export function describe(state: KeyAccountState, nowMs: number): KeyDescription {
  bringForward(state, nowMs)
  const { digest: _, ...shown } = state.record
  return {
    key: { ...shown, lastUsedMs: state.lastHourMs },
    usage: {
      requests: used(state.window, 'requests'),
      tokens: used(state.window, 'tokens'),
      dayTokens: state.day.tokens,
      monthTokens: state.month.tokens,
      openAnswers: state.open.size,
    },
  }
}

function endOf({ revokedMs, expiresMs }: KeyRecord, nowMs: number) {
  if (revokedMs !== undefined) return { outcome: 'revoked', atMs: revokedMs } as const
  if (expiresMs !== undefined && expiresMs <= nowMs) return { outcome: 'expired', atMs: expiresMs } as const
  return undefined
}

/** Lets go of what counts no more. */
function bringForward(state: KeyAccountState, nowMs: number): void {
  prune(state.window, nowMs)
  for (const [id, { untilMs }] of state.open) {
    if (untilMs <= nowMs) state.open.delete(id)
  }
  const { day, month } = periodsOf(nowMs)
  if (state.day.name !== day) state.day = { name: day, tokens: 0 }
  if (state.month.name !== month) state.month = { name: month, tokens: 0 }
}

function spentQuota({ record, day, month }: KeyAccountState, wanted: number): Reserved | undefined {
  const { tokens_per_day: perDay, tokens_per_month: perMonth }: KeyLimits = record.limits
  if (perDay !== undefined && day.tokens + wanted > perDay) return { outcome: 'spent', period: 'day', limit: perDay }
  if (perMonth !== undefined && month.tokens + wanted > perMonth) {
    return { outcome: 'spent', period: 'month', limit: perMonth }
  }
  return undefined
}

function limitedBy(state: KeyAccountState, wanted: number, nowMs: number): Reserved | undefined {
  const { concurrent_requests: answers = MOST_OPEN, tokens_per_minute: limit = Number.POSITIVE_INFINITY } =
    state.record.limits
  const headroom = headroomOf(state, nowMs)
  if (state.open.size >= answers) {
    return { outcome: 'limited', by: 'answers', limit: answers, waitMs: ANSWER_WAIT_MS, headroom }
  }
  const wait = waitMs(state.window, { metered: 'tokens', limit, wanted }, nowMs)
  return wait === 0 ? undefined : { outcome: 'limited', by: 'tokens', limit, waitMs: wait, headroom }
}

function headroomOf({ window, record }: KeyAccountState, nowMs: number): KeyHeadroom {
  const of = (metered: 'requests' | 'tokens', limit: number | undefined): Headroom | undefined => {
    if (limit === undefined) return undefined
    const remaining = Math.max(0, limit - used(window, metered))
    return { limit, remaining, resetMs: resetMs(window, metered, nowMs) }
  }
  return {
    requests: of('requests', record.limits.requests_per_minute),
    tokens: of('tokens', record.limits.tokens_per_minute),
  }
}

function periodsOf(nowMs: number): { readonly day: string; readonly month: string } {
  const day = new Date(nowMs).toISOString().slice(0, 10)
  return { day, month: day.slice(0, 7) }
}
