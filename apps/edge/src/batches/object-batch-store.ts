import { objectNamespace } from '../durable-objects.ts'
import type { BatchLedgerObject } from './batch-ledger-object.ts'
import { batchQueue } from './batch-queue.ts'
import type { BatchStore } from './batch-store.ts'

/** Batches in Durable Objects and a queue. @throws AppError `config.invalid` when a binding is missing */
export function createObjectBatchStore(env: Readonly<Record<string, unknown>>): BatchStore {
  const ledgers = objectNamespace<BatchLedgerObject>(env, 'BATCH_LEDGERS')
  const queue = batchQueue(env)
  return {
    ledgerOf: (tenant) => ledgers.getByName(tenant),
    announce: async (reference, delaySeconds = 0) => {
      await queue.send(reference, { delaySeconds })
    },
  }
}
