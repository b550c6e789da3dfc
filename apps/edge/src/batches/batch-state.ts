import type { BatchError, BatchObject, BatchStatus, CreateBatchRequest } from '@loupe/shared/schema'

/** How a batch ends. */
type Outcome = 'completed' | 'expired' | 'cancelled'

/** When a batch came to a status, milliseconds since 1970. */
type StatusTimes = Partial<Record<Exclude<BatchStatus, 'validating'>, number>>

/** Work that one consumer does for all of a batch. */
interface Task {
  readonly attempt: string
  /** When another one may take it over. */
  readonly leaseMs: number
}

/** A batch with all that is known of it but its lines. */
export interface BatchState {
  readonly id: string
  readonly tenant: string
  /** The managed key that made it; its account is charged. */
  readonly keyId: string | undefined
  readonly request: CreateBatchRequest
  readonly createdMs: number
  readonly expiresMs: number
  /** The files that will be written. */
  readonly outputId: string
  readonly errorId: string
  readonly hasOutput: boolean
  readonly hasErrors: boolean
  readonly status: BatchStatus
  readonly outcome: Outcome
  readonly times: StatusTimes
  /** Why it was not begun. */
  readonly errors: readonly BatchError[]
  readonly task: Task | undefined
  /** Faults in a row, which make it pause. */
  readonly strikes: number
  readonly pausedMs: number
  /** When somebody last did something for it. */
  readonly touchedMs: number
}

/** How many lines there are. */
export interface LineCounts {
  readonly total: number
  readonly completed: number
  readonly failed: number
}

/** What a new batch is made of. */
export type NewBatch = Pick<
  BatchState,
  'id' | 'tenant' | 'keyId' | 'request' | 'createdMs' | 'expiresMs' | 'outputId' | 'errorId'
>

/** A batch that nothing has been done for. */
export function newBatchState(batch: NewBatch): BatchState {
  return {
    ...batch,
    hasOutput: false,
    hasErrors: false,
    status: 'validating',
    outcome: 'completed',
    times: {},
    errors: [],
    task: undefined,
    strikes: 0,
    pausedMs: 0,
    touchedMs: batch.createdMs,
  }
}

/** Whether there is still something to do. */
export function isActive({ status }: Pick<BatchState, 'status'>): boolean {
  return ['validating', 'in_progress', 'finalizing', 'cancelling'].includes(status)
}

/** A batch as clients read it. */
export function batchObjectOf(state: BatchState, counts: LineCounts): BatchObject {
  const { request, times, errors } = state
  const at = (status: keyof StatusTimes) => secondsOf(times[status])
  return {
    id: state.id,
    object: 'batch',
    endpoint: request.endpoint,
    errors: errors.length === 0 ? null : { object: 'list', data: [...errors] },
    input_file_id: request.input_file_id,
    completion_window: request.completion_window,
    status: state.status,
    output_file_id: state.hasOutput ? state.outputId : null,
    error_file_id: state.hasErrors ? state.errorId : null,
    created_at: Math.floor(state.createdMs / 1000),
    in_progress_at: at('in_progress'),
    expires_at: secondsOf(state.expiresMs),
    finalizing_at: at('finalizing'),
    completed_at: at('completed'),
    failed_at: at('failed'),
    expired_at: at('expired'),
    cancelling_at: at('cancelling'),
    cancelled_at: at('cancelled'),
    request_counts: { ...counts },
    metadata: request.metadata ?? null,
  }
}

function secondsOf(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.floor(ms / 1000)
}
