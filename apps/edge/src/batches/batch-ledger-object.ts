import { DurableObject } from 'cloudflare:workers'
import type { BatchError, BatchObject } from '@loupe/shared/schema'
import type { ObjectState } from '../durable-objects.ts'
import { LIMITS } from '../limits.ts'
import { BatchLedger, type BatchStep, type WrittenFiles } from './batch-ledger.ts'
import { batchQueue } from './batch-queue.ts'
import type { NewBatch } from './batch-state.ts'
import type { LineKind, LinePlace, LineResult, PageLine } from './line-table.ts'

const TENANT = 'tenant'
/** How often it is looked whether somebody works on the batches. */
const WATCH_MS = 2500

/**
 * The batches of one tenant. While any is not done its alarm watches them: a message that was lost, with the edge or the
 * queue, is sent again.
 */
export class BatchLedgerObject extends DurableObject {
  readonly #ledger: BatchLedger

  constructor(state: ObjectState, env: Readonly<Record<string, unknown>>) {
    super(state, env)
    const { storage } = state
    const database = {
      exec: <Row>(query: string, ...bindings: (string | number | null)[]) => storage.sql.exec<Row>(query, ...bindings),
      transaction: <T>(work: () => T) => storage.transactionSync(work),
    }
    this.#ledger = new BatchLedger(database, LIMITS.batchLedger, () => Date.now())
  }

  async create(batch: NewBatch): Promise<BatchObject> {
    this.ctx.storage.kv.put(TENANT, batch.tenant)
    const created = this.#ledger.create(batch)
    await this.#watch()
    return created
  }

  get(id: string): BatchObject | undefined {
    return this.#ledger.get(id)
  }

  list(limit: number, after: string | undefined): BatchObject[] {
    return this.#ledger.list(limit, after)
  }

  cancel(id: string): BatchObject | undefined {
    return this.#ledger.cancel(id)
  }

  claim(id: string): BatchStep {
    return this.#ledger.claim(id)
  }

  renew(id: string, attempt: string): void {
    this.#ledger.renew(id, attempt)
  }

  addLines(id: string, attempt: string, lines: readonly LinePlace[]): boolean {
    return this.#ledger.addLines(id, attempt, lines)
  }

  validated(id: string, attempt: string, errors: readonly BatchError[]): void {
    this.#ledger.validated(id, attempt, errors)
  }

  finish(id: string, attempt: string, result: LineResult): boolean {
    return this.#ledger.finish(id, attempt, result)
  }

  release(id: string, attempt: string, fails: boolean): void {
    this.#ledger.release(id, attempt, fails)
  }

  page(id: string, kind: LineKind, after: number): PageLine[] {
    return this.#ledger.page(id, kind, after)
  }

  finalized(id: string, attempt: string, files: WrittenFiles): void {
    this.#ledger.finalized(id, attempt, files)
  }

  /** Called by the runtime while there is something to do. */
  async alarm(): Promise<void> {
    await this.#watch() // first: a queue that fails is tried again
    const tenant = this.ctx.storage.kv.get<string>(TENANT) ?? ''
    const queue = batchQueue(this.env)
    for (const batch of this.#ledger.quiet()) await queue.send({ tenant, batch })
  }

  async #watch(): Promise<void> {
    if (this.#ledger.isBusy()) await this.ctx.storage.setAlarm(Date.now() + WATCH_MS)
  }
}
