import { DurableObject } from 'cloudflare:workers'
import type { ObjectState } from '../durable-objects.ts'
import { LIMITS } from '../limits.ts'
import { type Items, type ReadLimits, ResponseShelf, type ShelfEntry } from './response-shelf.ts'

/**
 * The stored responses of one tenant.
 *
 * One object for each tenant, not for each response: a conversation is read in one call however many responses it has,
 * what a tenant may keep is counted exactly, and nothing in it can be asked for what is another tenant's.
 */
export class ResponseShelfObject extends DurableObject {
  readonly #shelf: ResponseShelf

  constructor(state: ObjectState, env: Readonly<Record<string, unknown>>) {
    super(state, env)
    const { storage } = state
    const database = {
      exec: <Row>(query: string, ...bindings: (string | number | null)[]) => storage.sql.exec<Row>(query, ...bindings),
      transaction: <T>(work: () => T) => storage.transactionSync(work),
    }
    const limits = { totalBytes: LIMITS.storedTenantBytes, responseBytes: LIMITS.storedResponseBytes }
    this.#shelf = new ResponseShelf(database, limits, () => Date.now())
  }

  async put(entry: ShelfEntry): Promise<boolean> {
    const isKept = this.#shelf.put(entry)
    await this.#wakeAt(this.#shelf.sweep())
    return isKept
  }

  get(id: string): { response: string; output: string[] } | undefined {
    return this.#shelf.get(id)
  }

  delete(id: string): boolean {
    return this.#shelf.delete(id)
  }

  history(id: string, most: ReadLimits): Items {
    return this.#shelf.history(id, most)
  }

  items(ids: readonly string[], mostBytes: number): Items {
    return this.#shelf.items(ids, mostBytes)
  }

  input(id: string): string[] | undefined {
    return this.#shelf.input(id)
  }

  /** Called by the runtime when something has expired. */
  async alarm(): Promise<void> {
    await this.#wakeAt(this.#shelf.sweep())
  }

  async #wakeAt(atMs: number | undefined): Promise<void> {
    if (atMs !== undefined) await this.ctx.storage.setAlarm(atMs)
  }
}
