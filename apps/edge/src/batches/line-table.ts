import type { ShelfDatabase } from '../storage/response-shelf.ts'
import { joinPieces, splitText } from '../storage/text-pieces.ts'
import type { LineCounts } from './batch-state.ts'

/** Where a line stands in its file, and how it is called. */
export interface LinePlace {
  /** From 1. */
  readonly line: number
  readonly offset: number
  readonly length: number
  readonly customId: string
}

/** A line that is to be answered. */
export interface OpenLine extends LinePlace {
  /** How often it has failed. */
  readonly tries: number
}

/** What became of a line, as a line of the output or the error file. */
export interface LineResult {
  readonly isOk: boolean
  readonly json: string
}

/** Which lines of a batch are read: those that were answered, those that failed, those that were not answered. */
export type LineKind = 'answered' | 'failed' | 'open'

/** One line of a page: its result, or its name where there is none. */
export interface PageLine {
  readonly line: number
  readonly customId: string
  readonly json: string
}

const WAITING = 0
const HELD = 1
const ANSWERED = 2
const FAILED = 3
const STATES: Readonly<Record<LineKind, readonly number[]>> = {
  answered: [ANSWERED],
  failed: [FAILED],
  open: [WAITING, HELD],
}

const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS lines (
    batch TEXT NOT NULL, line INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL, custom_id TEXT NOT NULL,
    state INTEGER NOT NULL, attempt TEXT NOT NULL, lease_ms INTEGER NOT NULL, tries INTEGER NOT NULL,
    PRIMARY KEY (batch, line))`,
  'CREATE INDEX IF NOT EXISTS lines_by_state ON lines (state, batch, line)',
  `CREATE TABLE IF NOT EXISTS results (
    batch TEXT NOT NULL, line INTEGER NOT NULL, piece INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (batch, line, piece))`,
]

interface Row {
  readonly line: number
  readonly start: number
  readonly length: number
  readonly custom_id: string
  readonly tries: number
}

/** Texts of one page: far below what a Durable Object may send at once. */
const MOST_PAGE_CHARACTERS = 4 * 1024 * 1024
const PAGE_LINES = 200

/** The lines of all batches of a tenant. Each has one result at most, whoever has worked on it. */
export class LineTable {
  readonly #database: ShelfDatabase

  constructor(database: ShelfDatabase) {
    this.#database = database
    for (const statement of SCHEMA) database.exec(statement)
  }

  clear(batch: string): void {
    this.#all('DELETE FROM lines WHERE batch = ?', batch)
    this.#all('DELETE FROM results WHERE batch = ?', batch)
  }

  /** Lets go of the results, which are in files; who answered what is still known. */
  clearResults(batch: string): void {
    this.#all('DELETE FROM results WHERE batch = ?', batch)
  }

  add(batch: string, lines: readonly LinePlace[]): void {
    const insert = "INSERT INTO lines VALUES (?, ?, ?, ?, ?, 0, '', 0, 0)"
    this.#database.transaction(() => {
      for (const { line, offset, length, customId } of lines) this.#all(insert, batch, line, offset, length, customId)
    })
  }

  counts(batch: string): LineCounts {
    const query = 'SELECT state, COUNT(*) AS count FROM lines WHERE batch = ? GROUP BY state'
    const counts = this.#all<{ state: number; count: number }>(query, batch)
    const of = (wanted: number) => counts.find(({ state }) => state === wanted)?.count ?? 0
    return { total: counts.reduce((sum, { count }) => sum + count, 0), completed: of(ANSWERED), failed: of(FAILED) }
  }

  /** How many lines are being answered: of one batch, or of all. */
  held(nowMs: number, batch?: string): number {
    const query = `SELECT COUNT(*) AS count FROM lines
      WHERE state = ${HELD} AND lease_ms > ? AND (?2 IS NULL OR batch = ?2)`
    return this.#all<{ count: number }>(query, nowMs, batch ?? null)[0]?.count ?? 0
  }

  /** Takes the first line that nobody works on. */
  take(batch: string, attempt: string, { nowMs, leaseMs }: { nowMs: number; leaseMs: number }): OpenLine | undefined {
    const first = (state: number) => {
      const query = `SELECT * FROM lines WHERE state = ${state} AND batch = ? AND lease_ms <= ? ORDER BY line LIMIT 1`
      return this.#all<Row>(query, batch, nowMs)[0]
    }
    const row = first(HELD) ?? first(WAITING)
    if (row === undefined) return undefined
    // Whoever had it and is gone has failed.
    const update = `UPDATE lines SET tries = tries + (state = ${HELD}), state = ${HELD}, attempt = ?, lease_ms = ?
      WHERE batch = ? AND line = ? RETURNING *`
    const [taken = row] = this.#all<Row>(update, attempt, nowMs + leaseMs, batch, row.line)
    const { line, start: offset, length, custom_id: customId, tries } = taken
    return { line, offset, length, customId, tries }
  }

  renew(batch: string, attempt: string, leaseMs: number): void {
    const update = `UPDATE lines SET lease_ms = ? WHERE batch = ? AND attempt = ? AND state = ${HELD}`
    this.#all(update, leaseMs, batch, attempt)
  }

  /** Takes all lines from who works on them: what they still bring is not heard. */
  letGo(batch: string): void {
    this.#all(`UPDATE lines SET state = ${WAITING}, attempt = '' WHERE batch = ? AND state = ${HELD}`, batch)
  }

  /** Gives a line back. @param fails - whether it counts as a failed try */
  release(batch: string, attempt: string, fails: boolean): void {
    const update = `UPDATE lines SET state = ${WAITING}, lease_ms = 0, tries = tries + ?
      WHERE batch = ? AND attempt = ? AND state = ${HELD}`
    this.#all(update, fails ? 1 : 0, batch, attempt)
  }

  /** Notes the result of a line. @returns false for one that was taken over, or has a result */
  finish(batch: string, attempt: string, { isOk, json }: LineResult): boolean {
    return this.#database.transaction(() => {
      const update = `UPDATE lines SET state = ? WHERE batch = ? AND attempt = ? AND state = ${HELD} RETURNING line`
      const [row] = this.#all<{ line: number }>(update, isOk ? ANSWERED : FAILED, batch, attempt)
      if (row === undefined) return false
      splitText(json).forEach((text, piece) => {
        this.#all('INSERT INTO results VALUES (?, ?, ?, ?)', batch, row.line, piece, text)
      })
      return true
    })
  }

  /** Lines behind another one, in their order; none at the end. */
  page(batch: string, kind: LineKind, after: number): PageLine[] {
    const query = `SELECT line, custom_id FROM lines
      WHERE batch = ? AND line > ? AND state IN (${STATES[kind].join()}) ORDER BY line LIMIT ${PAGE_LINES}`
    const page: PageLine[] = []
    let characters = 0
    for (const { line, custom_id: customId } of this.#all<Row>(query, batch, after)) {
      const json = kind === 'open' ? '' : this.#result(batch, line)
      characters += json.length
      page.push({ line, customId, json })
      if (characters > MOST_PAGE_CHARACTERS) break
    }
    return page
  }

  #result(batch: string, line: number): string {
    const query = 'SELECT text FROM results WHERE batch = ? AND line = ? ORDER BY piece'
    const pieces = this.#all<{ text: string }>(query, batch, line).map(({ text }) => ({ place: line, text }))
    return joinPieces(pieces)[0] ?? ''
  }

  #all<T>(query: string, ...bindings: (string | number | null)[]): T[] {
    return this.#database.exec<T>(query, ...bindings).toArray()
  }
}
