import { DatabaseSync } from 'node:sqlite'
import { ResponseShelf, type ShelfDatabase, type ShelfLimits } from '../storage/response-shelf.ts'
import { createResponseStore, type ResponseStore } from '../storage/response-store.ts'

/** A database in memory, of the kind that a Durable Object has. */
export function memoryDatabase(): ShelfDatabase {
  const database = new DatabaseSync(':memory:')
  return {
    exec<Row>(query: string, ...bindings: (string | number | null)[]) {
      const rows = database.prepare(query).all(...bindings) as Row[] // which columns there are, only the query knows
      return { toArray: () => rows }
    },
    transaction(work) {
      database.exec('BEGIN')
      try {
        const result = work()
        database.exec('COMMIT')
        return result
      } catch (error) {
        database.exec('ROLLBACK')
        throw error
      }
    },
  }
}

/** What a test may change. */
interface MemoryStoreOptions {
  readonly limits?: Partial<ShelfLimits>
  readonly ttlMs?: number
  readonly nowMs?: () => number
}

const MEBIBYTE = 1024 * 1024

/** Stored responses in memory: the real shelves, each over a database of its own. */
export function memoryResponseStore({
  limits,
  ttlMs = 60_000,
  nowMs = Date.now,
}: MemoryStoreOptions = {}): ResponseStore {
  const shelves = new Map<string, ResponseShelf>()
  const whole = { totalBytes: 16 * MEBIBYTE, responseBytes: MEBIBYTE, ...limits }
  const shelfOf = (tenant: string): ResponseShelf => {
    const shelf = shelves.get(tenant) ?? new ResponseShelf(memoryDatabase(), whole, nowMs)
    shelves.set(tenant, shelf)
    return shelf
  }
  return createResponseStore({ shelfOf, ttlMs, nowMs })
}
