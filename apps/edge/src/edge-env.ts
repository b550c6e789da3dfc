import type { ImageReference } from '@loupe/shared/schema'
import type { ImageTerms, PreparedPicture } from './images/prepare-images.ts'
import type { AnswerLedger } from './keys/answer-ledger.ts'
import type { Caller } from './keys/caller.ts'
import type { RequestLedger } from './keys/request-ledger.ts'
import type { ResponseStore } from './storage/response-store.ts'
import type { ModelCatalog } from './worker/model-catalog.ts'
import type { WorkerClient } from './worker/worker-client.ts'

/** One line of the log. */
export type LogLine = Readonly<Record<string, string | number | boolean | undefined>>

/** What the handlers work with, made once for an isolate. */
export interface Services {
  readonly worker: WorkerClient
  readonly models: ModelCatalog
  readonly prepareImages: (references: readonly ImageReference[], terms: ImageTerms) => Promise<PreparedPicture[]>
  /** Of each picture, how many crops are shown with it. Nothing is decoded. */
  readonly measureImages: (references: readonly ImageReference[], terms: ImageTerms) => Promise<number[]>
  /** What was answered at `/v1/responses` and may be asked for later. */
  readonly responses: ResponseStore
  /** What the answers of this request are charged to; nothing is counted without one. */
  readonly ledger?: AnswerLedger | undefined
  readonly log: (line: LogLine) => void
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
}

/** The types of the Hono app. */
export interface EdgeEnv {
  Variables: {
    services: Services
    requestId: string
    /** Whose request this is: a hash of the owner of the key, or `open`. */
    tenant: string
    /** Who makes it, with the account of a managed key. */
    caller: Caller
    /** The ledger of `services`, for who asks how its answers went. */
    ledger: RequestLedger
  }
}
