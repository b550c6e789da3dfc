import type { BatchError, BatchObject, BatchStatus } from '@loupe/shared/schema'
import type { ShelfDatabase } from '../storage/response-shelf.ts'
import { type BatchState, batchObjectOf, isActive, type NewBatch, newBatchState } from './batch-state.ts'
import {
  type LineKind,
  type LinePlace,
  type LineResult,
  LineTable,
  type OpenLine,
  type PageLine,
} from './line-table.ts'

/** What a consumer is to do next for a batch. */
export type BatchStep =
  | { readonly do: 'validate' | 'finalize'; readonly attempt: string; readonly batch: BatchState }
  | { readonly do: 'run'; readonly attempt: string; readonly batch: BatchState; readonly line: OpenLine }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'nothing' }

/** How a batch is worked on. */
export interface LedgerLimits {
  /** Lines of one tenant that are answered at the same time. */
  readonly parallelLines: number
  /** Who does not renew what it holds within this time has died. */
  readonly leaseMs: number
  /** A batch that nobody has done anything for is told of again. */
  readonly quietMs: number
}

/** What a batch has written when it ends. */
export interface WrittenFiles {
  readonly hasOutput: boolean
  readonly hasErrors: boolean
}

const NOTHING: BatchStep = { do: 'nothing' }
const FIRST_PAUSE_MS = 250
const MOST_PAUSE_MS = 30_000

/**
 * The batches of one tenant: what they are, which line is being answered by whom, and what became of each.
 *
 * Consumers hold nothing: whoever asks gets the next step, with a lease. One that dies loses it, and one that comes back
 * with a result after that is not heard. So a message may come twice or never, and each line has one result.
 */
export class BatchLedger {
  readonly #database: ShelfDatabase
  readonly #lines: LineTable
  readonly #limits: LedgerLimits
  readonly #nowMs: () => number

  constructor(database: ShelfDatabase, limits: LedgerLimits, nowMs: () => number) {
    this.#database = database
    this.#limits = limits
    this.#nowMs = nowMs
    database.exec(`CREATE TABLE IF NOT EXISTS batches (
      number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, is_active INTEGER NOT NULL, state TEXT NOT NULL)`)
    this.#lines = new LineTable(database)
  }

  create(batch: NewBatch): BatchObject {
    const state = newBatchState(batch)
    this.#all('INSERT INTO batches (id, is_active, state) VALUES (?, 1, ?)', batch.id, JSON.stringify(state))
    return this.#shown(state)
  }

  get(id: string): BatchObject | undefined {
    const state = this.#load(id)
    return state === undefined ? undefined : this.#shown(state)
  }

  /** A page of batches, newest first, and one more, if there is one. */
  list(limit: number, after: string | undefined): BatchObject[] {
    const query = `SELECT state FROM batches
      WHERE ?1 IS NULL OR number < (SELECT number FROM batches WHERE id = ?1) ORDER BY number DESC LIMIT ?2`
    return this.#all<{ state: string }>(query, after ?? null, limit + 1).map(({ state }) =>
      this.#shown(JSON.parse(state)),
    )
  }

  /** Begins no more lines of a batch. @returns what it is now; one that has ended stays as it is */
  cancel(id: string): BatchObject | undefined {
    const state = this.#load(id)
    if (state === undefined) return undefined
    const isOpen = state.status === 'validating' || state.status === 'in_progress'
    if (!isOpen) return this.#shown(state)
    return this.#shown(this.#move({ ...state, outcome: 'cancelled', task: undefined }, 'cancelling'))
  }

  /** What is to be done next for a batch. Whoever gets it has it for the time of a lease. */
  claim(id: string): BatchStep {
    const found = this.#load(id)
    if (found === undefined) return NOTHING
    const state = this.#expireIfDue(found)
    switch (state.status) {
      case 'validating':
        return this.#claimTask(state, 'validate')
      case 'in_progress':
        return this.#claimLine(state)
      case 'finalizing':
      case 'cancelling':
        return this.#lines.held(this.#nowMs(), id) > 0 ? NOTHING : this.#claimTask(state, 'finalize')
      default:
        return NOTHING
    }
  }

  /** Tells that a step is still being worked on. */
  renew(id: string, attempt: string): void {
    const state = this.#load(id)
    if (state === undefined) return
    const leaseMs = this.#nowMs() + this.#limits.leaseMs
    if (state.task?.attempt === attempt) this.#touch({ ...state, task: { attempt, leaseMs } })
    else {
      this.#lines.renew(id, attempt, leaseMs)
      this.#touch(state)
    }
  }

  /** Notes where lines stand. @returns false for who does not validate this batch any more */
  addLines(id: string, attempt: string, lines: readonly LinePlace[]): boolean {
    const state = this.#load(id)
    if (state?.status !== 'validating' || state.task?.attempt !== attempt) return false
    this.#lines.add(id, lines)
    this.renew(id, attempt)
    return true
  }

  /** All lines are there, or there are errors. */
  validated(id: string, attempt: string, errors: readonly BatchError[]): void {
    const state = this.#load(id)
    if (state?.status !== 'validating' || state.task?.attempt !== attempt) return
    if (errors.length > 0) this.#lines.clear(id)
    this.#move({ ...state, errors, task: undefined }, errors.length > 0 ? 'failed' : 'in_progress')
  }

  /** Notes what became of a line. @returns false where somebody else has it, or it has a result */
  finish(id: string, attempt: string, result: LineResult): boolean {
    const state = this.#load(id)
    if (state === undefined) return false
    this.#touch({ ...state, strikes: 0, pausedMs: 0 })
    return this.#lines.finish(id, attempt, result)
  }

  /** Gives a line back that could not be answered now; the batch pauses, longer each time. */
  release(id: string, attempt: string, fails: boolean): void {
    const state = this.#load(id)
    if (state === undefined) return
    const now = this.#nowMs()
    const pauseMs = Math.min(MOST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(state.strikes, 10))
    // Lines that were answered at the same time fail at the same time, and once.
    const pause = state.pausedMs > now ? {} : { strikes: state.strikes + 1, pausedMs: now + pauseMs }
    this.#touch({ ...state, ...pause })
    this.#lines.release(id, attempt, fails)
  }

  /** Lines behind another one, to be written to a file; none at the end. */
  page(id: string, kind: LineKind, after: number): PageLine[] {
    return this.#lines.page(id, kind, after)
  }

  /** The files are there: the batch has ended. */
  finalized(id: string, attempt: string, files: WrittenFiles): void {
    const state = this.#load(id)
    if (state === undefined || state.task?.attempt !== attempt) return
    this.#lines.clearResults(id)
    this.#move({ ...state, ...files, task: undefined }, state.outcome)
  }

  /** Batches that somebody should be told of: nobody works on them. */
  quiet(): string[] {
    const now = this.#nowMs()
    // One that pauses is waited for.
    const isQuiet = ({ touchedMs, pausedMs }: BatchState) => now - Math.max(touchedMs, pausedMs) >= this.#limits.quietMs
    return this.#active().flatMap((state) => (isQuiet(state) ? [state.id] : []))
  }

  /** Whether anything is left to do. */
  isBusy(): boolean {
    return this.#active().length > 0
  }

  #claimTask(state: BatchState, task: 'validate' | 'finalize'): BatchStep {
    const now = this.#nowMs()
    if (state.task !== undefined && state.task.leaseMs > now) return NOTHING
    if (task === 'validate')
      this.#lines.clear(state.id) // whoever began it may have noted some
    else this.#lines.letGo(state.id)
    const attempt = crypto.randomUUID()
    const batch = this.#touch({ ...state, task: { attempt, leaseMs: now + this.#limits.leaseMs } })
    return { do: task, attempt, batch }
  }

  #claimLine(state: BatchState): BatchStep {
    const nowMs = this.#nowMs()
    const { parallelLines, leaseMs } = this.#limits
    if (this.#lines.held(nowMs) >= parallelLines) return NOTHING
    if (state.pausedMs > nowMs) return { do: 'wait', ms: state.pausedMs - nowMs }
    const attempt = crypto.randomUUID()
    const line = this.#lines.take(state.id, attempt, { nowMs, leaseMs })
    if (line !== undefined) return { do: 'run', attempt, batch: this.#touch(state), line }
    if (this.#lines.held(nowMs, state.id) > 0) return NOTHING
    return this.#claimTask(this.#move(state, 'finalizing'), 'finalize')
  }

  #expireIfDue(state: BatchState): BatchState {
    const isOpen = state.status === 'validating' || state.status === 'in_progress'
    if (!isOpen || this.#nowMs() < state.expiresMs) return state
    return this.#move({ ...state, outcome: 'expired', task: undefined }, 'finalizing')
  }

  #move(state: BatchState, status: BatchStatus): BatchState {
    return this.#touch({ ...state, status, times: { ...state.times, [status]: this.#nowMs() } })
  }

  #touch(state: BatchState): BatchState {
    const touched = { ...state, touchedMs: this.#nowMs() }
    const update = 'UPDATE batches SET is_active = ?, state = ? WHERE id = ?'
    this.#all(update, isActive(touched) ? 1 : 0, JSON.stringify(touched), state.id)
    return touched
  }

  #shown(state: BatchState): BatchObject {
    return batchObjectOf(state, this.#lines.counts(state.id))
  }

  #active(): BatchState[] {
    const rows = this.#all<{ state: string }>('SELECT state FROM batches WHERE is_active = 1')
    return rows.map(({ state }) => JSON.parse(state))
  }

  #load(id: string): BatchState | undefined {
    const [row] = this.#all<{ state: string }>('SELECT state FROM batches WHERE id = ?', id)
    return row === undefined ? undefined : JSON.parse(row.state)
  }

  #all<T>(query: string, ...bindings: (string | number | null)[]): T[] {
    return this.#database.exec<T>(query, ...bindings).toArray()
  }
}
