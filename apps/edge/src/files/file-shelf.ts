import type { FilePurpose, ListFilesQuery } from '@loupe/shared/schema'
import type { ShelfDatabase } from '../storage/response-shelf.ts'

/** What is known of a file. */
export interface FileRecord {
  readonly id: string
  readonly filename: string
  readonly purpose: FilePurpose
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly createdMs: number
  /** Undefined for a file that stays. */
  readonly expiresMs: number | undefined
}

interface Row {
  readonly number: number
  readonly id: string
  readonly filename: string
  readonly purpose: FilePurpose
  readonly bytes: number
  readonly created_ms: number
  readonly expires_ms: number | null
}

const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS files (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, filename TEXT NOT NULL, purpose TEXT NOT NULL,
    bytes INTEGER NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER, is_kept INTEGER NOT NULL)`,
  'CREATE INDEX IF NOT EXISTS files_by_expiry ON files (expires_ms)',
]

/** An upload that has not ended by then never will. */
const UPLOAD_MS = 3_600_000

/**
 * The files of one tenant, in a database of their own. Their bytes lie elsewhere: a file has a row before its bytes are
 * there and until they are gone, so that none are forgotten.
 */
export class FileShelf {
  readonly #database: ShelfDatabase
  readonly #mostBytes: number
  readonly #nowMs: () => number

  /** @param mostBytes - of all files together */
  constructor(database: ShelfDatabase, mostBytes: number, nowMs: () => number) {
    this.#database = database
    this.#mostBytes = mostBytes
    this.#nowMs = nowMs
    for (const statement of SCHEMA) database.exec(statement)
  }

  /** Notes that the bytes of a file are coming. Nobody sees it yet. */
  begin(id: string): void {
    const now = this.#nowMs()
    this.#all(
      `INSERT INTO files (id, filename, purpose, bytes, created_ms, expires_ms, is_kept) VALUES (?, '', '', 0, ?, ?, 0)
        ON CONFLICT (id) DO NOTHING`,
      id,
      now,
      now + UPLOAD_MS,
    )
  }

  /** Shows a file whose bytes are there. @returns false where the tenant has no room for it */
  keep(file: FileRecord): boolean {
    return this.#database.transaction(() => {
      const query = 'SELECT COALESCE(SUM(bytes), 0) AS bytes FROM files WHERE is_kept = 1 AND id <> ?'
      const [sum] = this.#all<{ bytes: number }>(query, file.id)
      // What a batch has written is paid for: it counts, and is never thrown away.
      const isFull = (sum?.bytes ?? 0) + file.bytes > this.#mostBytes
      if (isFull && file.purpose !== 'batch_output') return false
      this.#all(
        `INSERT OR REPLACE INTO files (id, filename, purpose, bytes, created_ms, expires_ms, is_kept)
          VALUES (?, ?, ?, ?, ?, ?, 1)`,
        file.id,
        file.filename,
        file.purpose,
        file.bytes,
        file.createdMs,
        file.expiresMs ?? null,
      )
      return true
    })
  }

  /** What is known of a file that is there. */
  get(id: string): FileRecord | undefined {
    const query = 'SELECT * FROM files WHERE id = ? AND is_kept = 1 AND COALESCE(expires_ms, ?2 + 1) > ?2'
    const [row] = this.#all<Row>(query, id, this.#nowMs())
    return row === undefined ? undefined : recordOf(row)
  }

  /** A page of files and one more, if there is one. */
  list({ limit, order, after, purpose }: ListFilesQuery): FileRecord[] {
    const [compare, direction] = order === 'asc' ? ['>', 'ASC'] : ['<', 'DESC']
    const query = `SELECT * FROM files WHERE is_kept = 1 AND COALESCE(expires_ms, ?1 + 1) > ?1
      AND (?2 IS NULL OR purpose = ?2)
      AND (?3 IS NULL OR number ${compare} (SELECT number FROM files WHERE id = ?3))
      ORDER BY number ${direction} LIMIT ?4`
    return this.#all<Row>(query, this.#nowMs(), purpose ?? null, after ?? null, limit + 1).map(recordOf)
  }

  /** Hides a file, whose bytes are to go. @returns whether it was there */
  drop(id: string): boolean {
    const isThere = this.get(id) !== undefined
    this.#all('UPDATE files SET is_kept = 0, expires_ms = 0 WHERE id = ?', id)
    return isThere
  }

  /** Ids of what is expired, dropped, or never came: their bytes are to go. */
  due(): string[] {
    const query = 'SELECT id FROM files WHERE expires_ms <= ? LIMIT 1000'
    return this.#all<{ id: string }>(query, this.#nowMs()).map(({ id }) => id)
  }

  /** Forgets what has no bytes any more. */
  forget(id: string): void {
    this.#all('DELETE FROM files WHERE id = ? AND expires_ms <= ?', id, this.#nowMs())
  }

  /** When something is due, milliseconds since 1970. */
  nextMs(): number | undefined {
    const [next] = this.#all<{ at: number | null }>('SELECT MIN(expires_ms) AS at FROM files')
    return next?.at ?? undefined
  }

  #all<T>(query: string, ...bindings: (string | number | null)[]): T[] {
    return this.#database.exec<T>(query, ...bindings).toArray()
  }
}

function recordOf({ id, filename, purpose, bytes, created_ms, expires_ms }: Row): FileRecord {
  return { id, filename, purpose, bytes, createdMs: created_ms, expiresMs: expires_ms ?? undefined }
}
