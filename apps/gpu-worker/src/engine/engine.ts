import type { FinishReason, SampledToken, Sampler, StopRule } from '@loupe/model'
import type { ImageClaim } from '../images/image-store.ts'

/** On what terms a job is run. */
interface JobTerms {
  /** Whom the work is for; an engine is fair between tenants. */
  readonly tenant: string
  /** Lower runs first. */
  readonly priority: number
  /** The job fails with `worker.timeout` after this long, its wait included. */
  readonly timeoutMs: number | undefined
}

/** A checked request: everything an engine needs to answer it. */
export interface GenerateJob extends JobTerms {
  readonly inputIds: Int32Array
  /** The pictures of the prompt, in its order. The engine disposes the claim when it is done with the job. */
  readonly images: ImageClaim
  /** One for each answer to the prompt: choice n is drawn by sampler n. At least one. */
  readonly samplers: readonly Sampler[]
  /** When an answer ends, at the latest after its `maxTokens`. */
  readonly stop: StopRule
  /** Hears of the job whether or not anybody reads its events. */
  readonly observer: JobObserver
}

/** Watches one job, for metrics and the log. */
export interface JobObserver {
  event(event: EngineEvent): void
  /** The job has ended; `error` is `undefined` when it succeeded. */
  settled(error: unknown): void
}

/** Pictures to compute the features of. */
export interface EncodeJob extends JobTerms {
  readonly images: ImageClaim
  /** What the job counts for in the queue, tokens. */
  readonly costTokens: number
}

/**
 * What an engine tells while it answers. `start` comes first, when the wait in the queue is over; the last event is the
 * `done` of the last choice. Tokens of several choices are mixed, those of one are in order.
 */
export type EngineEvent =
  | { readonly type: 'start' }
  | ({ readonly type: 'token'; readonly choice: number } & SampledToken)
  | {
      readonly type: 'done'
      readonly choice: number
      readonly finishReason: FinishReason
      /** Prompt tokens that were not computed again. */
      readonly cachedTokens: number
    }

/** How busy an engine is. */
export interface EngineLoad {
  readonly running: number
  readonly waiting: number
}

/**
 * Runs requests on a model. The HTTP side knows nothing else of how: one sequence at a time or many in a batch.
 *
 * A job that is aborted by its signal stops within one decode step and frees its cache; its stream then fails with the
 * reason of the signal.
 */
export interface Engine {
  /**
   * Admits a job; its events follow whether or not anybody reads them. Ending the iteration early aborts the job.
   *
   * @throws AppError `queue.full` at once, with a wait computed from the backlog, or the reason of `close`; the claim
   *   stays the caller's
   */
  generate(job: GenerateJob, signal: AbortSignal): AsyncIterable<EngineEvent>
  /** Image features of the job's pictures, one `[256 * d]` array each. @throws AppError as `generate` does */
  encode(job: EncodeJob, signal: AbortSignal): Promise<readonly Float32Array[]>
  readonly load: EngineLoad
  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void>
  /**
   * Aborts everything that runs and waits, for this reason, and resolves when it has ended. What comes later is refused
   * for the same reason: the model may be gone.
   */
  close(reason: Error): Promise<void>
}
