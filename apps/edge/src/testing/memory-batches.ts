import { BatchLedger, type LedgerLimits } from '../batches/batch-ledger.ts'
import type { BatchReference, BatchStore } from '../batches/batch-store.ts'
import { memoryDatabase } from './memory-shelf.ts'

/** Batches in the memory of a test, and what was announced: a queue that a test empties itself. */
export interface MemoryBatches extends BatchStore {
  readonly queue: BatchReference[]
}

/** Makes the batches of a test: the real ledgers, each over a database of its own. */
export function createMemoryBatches(nowMs: () => number, limits: Partial<LedgerLimits> = {}): MemoryBatches {
  const ledgers = new Map<string, BatchLedger>()
  const whole = { parallelLines: 3, leaseMs: 1000, quietMs: 500, ...limits }
  const queue: BatchReference[] = []
  return {
    queue,
    ledgerOf(tenant) {
      const ledger = ledgers.get(tenant) ?? new BatchLedger(memoryDatabase(), whole, nowMs)
      ledgers.set(tenant, ledger)
      return ledger
    },
    announce: async (reference) => {
      queue.push(reference)
    },
  }
}
