import { AppError } from '@loupe/shared/errors'
import { z } from 'zod'
import type { LogLine } from '../edge-env.ts'
import type { FileStore } from '../files/file-store.ts'
import { type Caller, unlimitedCaller } from '../keys/caller.ts'
import type { KeyBook } from '../keys/key-book.ts'
import { LIMITS } from '../limits.ts'
import { faultFields } from '../middleware/observe.ts'
import type { AskEndpoint } from './answer-line.ts'
import type { BatchState } from './batch-state.ts'
import type { BatchReference, BatchStore } from './batch-store.ts'
import type { Insiders } from './insiders.ts'
import { runBatch } from './run-batch.ts'

/** What lines are answered with. */
export interface BatchConsumerOptions {
  readonly batches: BatchStore
  readonly files: FileStore
  readonly keys: KeyBook
  readonly insiders: Insiders
  /** The app itself. */
  readonly fetchApp: (request: Request) => Promise<Response>
  readonly log: (line: LogLine) => void
  readonly nowMs: () => number
}

const reference = z.object({ tenant: z.string(), batch: z.string() })

/** Reads what a queue has delivered. @throws z.ZodError for what no producer of ours has sent */
export function readReference(body: unknown): BatchReference {
  return reference.parse(body)
}

/** Makes what works on a batch for some time. It fails, and says so in the log, when what it works with does. */
export function createBatchConsumer(options: BatchConsumerOptions): (reference: BatchReference) => Promise<void> {
  const { batches, files, nowMs } = options
  const askFor = (batch: BatchState) => askInside(callerOf(batch, options.keys), options)
  const limits = { ...LIMITS.batch, parallelLines: LIMITS.batchLedger.parallelLines }
  const { batchRenewMs: renewMs, batchTurnMs: budgetMs } = LIMITS
  return async (each) => {
    try {
      await runBatch(each, { batches, files, askFor, limits, renewMs, budgetMs, nowMs })
    } catch (error) {
      options.log({ event: 'batch.broken', batch: each.batch, ...faultFields(AppError.from(error)) })
      throw error
    }
  }
}

function callerOf({ tenant, keyId }: BatchState, keys: KeyBook): Caller {
  if (keyId === undefined) return unlimitedCaller(tenant)
  return { ...unlimitedCaller(tenant), key: { id: keyId, account: keys.accountOf(keyId) } }
}

function askInside(caller: Caller, { insiders, fetchApp }: BatchConsumerOptions): AskEndpoint {
  return (endpoint, body, requestId) => {
    const headers = { 'content-type': 'application/json', 'x-request-id': requestId }
    const request = new Request(`https://batch.invalid${endpoint}`, { method: 'POST', body, headers })
    insiders.set(request, caller)
    return fetchApp(request)
  }
}
