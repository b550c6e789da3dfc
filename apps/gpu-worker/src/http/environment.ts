import type { Log } from '../log.ts'
import type { ServedModel } from '../served-model.ts'
import type { ByteBudget } from './byte-budget.ts'

/** Whether a worker takes requests. */
export type WorkerState = 'ready' | 'draining'

/** Everything the HTTP app knows of the world. */
export interface WorkerDeps {
  readonly models: ReadonlyMap<string, ServedModel>
  readonly state: () => WorkerState
  readonly log: Log
  /** A clock in milliseconds. */
  readonly now: () => number
  /** Version of this software, for `GET /v2`. */
  readonly version: string
  /** Largest body of a request, bytes. */
  readonly maxRequestBytes: number
  /** Bodies in memory at the same time: of a stream until it begins, of a whole answer until it is there. */
  readonly bodies: ByteBudget
  /** A comment is sent on a silent stream this often, so that nothing on the way gives it up. */
  readonly keepAliveMs: number
}

/** Types of Hono's context. */
export interface WorkerEnv {
  Variables: { requestId: string; deps: WorkerDeps }
}
