import { joinPieces, splitText } from './text-pieces.ts'

/** The part of a SQLite database that is used: that of a Durable Object, or one in the memory of a test. */
export interface ShelfDatabase {
  exec<Row>(query: string, ...bindings: (string | number | null)[]): { toArray(): Row[] }
  /** All of it or nothing of it. */
  transaction<T>(work: () => T): T
}

/** One item of a conversation, as JSON. */
interface ShelfItem {
  readonly id: string
  readonly json: string
}

/** A response with the items of its request. What came before it is stored with the response that it goes on with. */
export interface ShelfEntry {
  readonly id: string
  /** Which response it goes on with. */
  readonly previous: string | null
  /** Milliseconds since 1970. */
  readonly expiresMs: number
  /** The response without its output, as JSON. */
  readonly response: string
  readonly input: readonly ShelfItem[]
  readonly output: readonly ShelfItem[]
}

/** How much is kept. */
export interface ShelfLimits {
  /** Of all responses together: the oldest go first. */
  readonly totalBytes: number
  /** A longer one is not kept. */
  readonly responseBytes: number
}

/** How much may be read at once. */
export interface ReadLimits {
  readonly responses: number
  readonly bytes: number
}

/** The items of a conversation, or why they cannot be had. */
export type Items =
  | { readonly found: 'items'; readonly items: readonly string[] }
  | { readonly found: 'nothing' | 'too_much' }

type Part = 0 | 1 | 2
const RESPONSE = 0
const INPUT = 1
const OUTPUT = 2

const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS responses (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, previous TEXT,
    expires_ms INTEGER NOT NULL, bytes INTEGER NOT NULL)`,
  'CREATE INDEX IF NOT EXISTS responses_by_expiry ON responses (expires_ms)',
  // A row holds 2 MB at most, and a picture may be larger: texts lie in pieces.
  `CREATE TABLE IF NOT EXISTS pieces (
    number INTEGER NOT NULL, part INTEGER NOT NULL, place INTEGER NOT NULL, piece INTEGER NOT NULL,
    item TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (number, part, place, piece))`,
  'CREATE INDEX IF NOT EXISTS pieces_by_item ON pieces (item, number)',
]

interface Row {
  readonly number: number
  readonly previous: string | null
  readonly bytes: number
}

interface ItemRow {
  readonly number: number
  readonly part: Part
  readonly place: number
}

/** The responses of one tenant, in a database of their own: no query can reach those of another. */
export class ResponseShelf {
  readonly #database: ShelfDatabase
  readonly #limits: ShelfLimits
  readonly #nowMs: () => number

  constructor(database: ShelfDatabase, limits: ShelfLimits, nowMs: () => number) {
    this.#database = database
    this.#limits = limits
    this.#nowMs = nowMs
    for (const statement of SCHEMA) database.exec(statement)
  }

  /** Keeps a response, and lets the oldest ones go where it needs their room. @returns false for one that is too long */
  put(entry: ShelfEntry): boolean {
    const texts = [
      { part: RESPONSE, place: 0, id: entry.id, json: entry.response },
      ...entry.input.map(({ id, json }, place) => ({ part: INPUT, place, id, json })),
      ...entry.output.map(({ id, json }, place) => ({ part: OUTPUT, place, id, json })),
    ]
    const bytes = texts.reduce((sum, { json }) => sum + utf8Length(json), 0)
    if (bytes > this.#limits.responseBytes) return false
    this.#database.transaction(() => {
      this.sweep()
      this.#makeRoom(bytes)
      const { id, previous, expiresMs } = entry
      const columns = 'INSERT INTO responses (id, previous, expires_ms, bytes) VALUES (?, ?, ?, ?) RETURNING number'
      const [row] = this.#all<{ number: number }>(columns, id, previous, expiresMs, bytes)
      for (const { part, place, id: item, json } of texts) {
        splitText(json).forEach((text, piece) => {
          this.#all('INSERT INTO pieces VALUES (?, ?, ?, ?, ?, ?)', row?.number ?? 0, part, place, piece, item, text)
        })
      }
    })
    return true
  }

  /** @returns the JSON of a response without its output, and of its output */
  get(id: string): { response: string; output: string[] } | undefined {
    const row = this.#row(id)
    if (row === undefined) return undefined
    const [response = ''] = this.#texts(row.number, RESPONSE)
    return { response, output: this.#texts(row.number, OUTPUT) }
  }

  /** @returns whether there was one */
  delete(id: string): boolean {
    const row = this.#row(id)
    if (row !== undefined) this.#database.transaction(() => this.#drop(row.number))
    return row !== undefined
  }

  /** The items of a response and of all that it goes on with, requests and answers, oldest first. */
  history(id: string, most: ReadLimits): Items {
    const chain: Row[] = []
    let bytes = 0
    for (let next: string | null = id; next !== null; ) {
      const row = this.#row(next)
      if (row === undefined) return { found: 'nothing' }
      chain.unshift(row)
      bytes += row.bytes
      if (chain.length > most.responses || bytes > most.bytes) return { found: 'too_much' }
      next = row.previous
    }
    const items = chain.flatMap(({ number }) => [...this.#texts(number, INPUT), ...this.#texts(number, OUTPUT)])
    return { found: 'items', items }
  }

  /** The items with these ids, in their order; the newest one where several have the same id. */
  items(ids: readonly string[], mostBytes: number): Items {
    const found: string[] = []
    let bytes = 0
    for (const id of ids) {
      const text = this.#item(id)
      if (text === undefined) return { found: 'nothing' }
      bytes += utf8Length(text)
      if (bytes > mostBytes) return { found: 'too_much' }
      found.push(text)
    }
    return { found: 'items', items: found }
  }

  /** What the request of a response held, oldest first. */
  input(id: string): string[] | undefined {
    const row = this.#row(id)
    return row === undefined ? undefined : this.#texts(row.number, INPUT)
  }

  /** Lets go of what has expired. @returns when the next one expires, milliseconds since 1970 */
  sweep(): number | undefined {
    const expired = 'SELECT number FROM responses WHERE expires_ms <= ?'
    for (const { number } of this.#all<{ number: number }>(expired, this.#nowMs())) this.#drop(number)
    const [next] = this.#all<{ at: number | null }>('SELECT MIN(expires_ms) AS at FROM responses')
    return next?.at ?? undefined
  }

  #makeRoom(bytes: number): void {
    const [sum] = this.#all<{ bytes: number | null }>('SELECT SUM(bytes) AS bytes FROM responses')
    let surplus = (sum?.bytes ?? 0) + bytes - this.#limits.totalBytes
    while (surplus > 0) {
      const [oldest] = this.#all<Row>('SELECT number, bytes FROM responses ORDER BY number LIMIT 1')
      if (oldest === undefined) return
      this.#drop(oldest.number)
      surplus -= oldest.bytes
    }
  }

  #drop(number: number): void {
    this.#all('DELETE FROM pieces WHERE number = ?', number)
    this.#all('DELETE FROM responses WHERE number = ?', number)
  }

  #row(id: string): Row | undefined {
    const query = 'SELECT number, previous, bytes FROM responses WHERE id = ? AND expires_ms > ?'
    return this.#all<Row>(query, id, this.#nowMs())[0]
  }

  #item(id: string): string | undefined {
    const query = `SELECT pieces.number, part, place FROM pieces JOIN responses USING (number)
      WHERE item = ? AND part > 0 AND expires_ms > ? ORDER BY pieces.number DESC LIMIT 1`
    const [row] = this.#all<ItemRow>(query, id, this.#nowMs())
    if (row === undefined) return undefined
    const text = 'SELECT text FROM pieces WHERE number = ? AND part = ? AND place = ? ORDER BY piece'
    const { number, part, place } = row
    return joinPieces(this.#all<{ text: string }>(text, number, part, place).map((each) => ({ ...each, place })))[0]
  }

  #texts(number: number, part: Part): string[] {
    const query = 'SELECT place, text FROM pieces WHERE number = ? AND part = ? ORDER BY place, piece'
    return joinPieces(this.#all<{ place: number; text: string }>(query, number, part))
  }

  #all<T>(query: string, ...bindings: (string | number | null)[]): T[] {
    return this.#database.exec<T>(query, ...bindings).toArray()
  }
}

const encoder = new TextEncoder()

function utf8Length(text: string): number {
  return encoder.encode(text).byteLength
}
