import type { BatchLedger } from './batch-ledger.ts'

/** Calls of a ledger, near or far. */
type RemoteLedger = {
  readonly [Name in
    | 'create'
    | 'get'
    | 'list'
    | 'cancel'
    | 'claim'
    | 'renew'
    | 'addLines'
    | 'validated'
    | 'finish'
    | 'release'
    | 'page'
    | 'finalized']: (
    ...args: Parameters<BatchLedger[Name]>
  ) => ReturnType<BatchLedger[Name]> | Promise<ReturnType<BatchLedger[Name]>>
}

/** Which batch of which tenant. All that a message holds: a message has 128 KB at most, and lines are far longer. */
export interface BatchReference {
  readonly tenant: string
  readonly batch: string
}

/** The batches of all tenants. A tenant reaches its own and no others, whatever the ids. */
export interface BatchStore {
  ledgerOf(tenant: string): RemoteLedger
  /** Tells a consumer that there is something to do. */
  announce(reference: BatchReference, delaySeconds?: number): Promise<void>
}
