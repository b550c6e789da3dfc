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
  /**
   * One for each answer to the prompt: choice n is drawn by sampler n. At least one. The engine disposes them when it is
   * done with the job.
   */
  readonly samplers: readonly Sampler[]
  /** Only jobs of the same scope share keys and values; the tenant is one by default. */
  readonly cacheScope?: string
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
  | ({
      readonly type: 'token'
      readonly choice: number
      /** Of a choice's first token: prompt tokens that were not computed again. */
      readonly cachedTokens?: number
    } & SampledToken)
  | {
      readonly type: 'done'
      readonly choice: number
      readonly finishReason: FinishReason
      /** Prompt tokens that were not computed again. */
      readonly cachedTokens: number
    }

/** How busy an engine is. */
export interface EngineLoad {
  /** Sequences that are part of the batch, and pictures that are looked at for their own sake. */
  readonly running: number
  readonly waiting: number
  /** Tokens whose keys and values are held. */
  readonly heldTokens: number
  /** The same as a share of what can be held, 0 to 1. */
  readonly heldShare: number
}

/**
 * Runs requests on a model. The HTTP side knows nothing else of how.
 *
 * A job that is aborted by its signal fails with the reason of the signal at once, and frees its cache within one step.
 */
export interface Engine {
  /**
   * Admits a job; its events follow whether or not anybody reads them. Ending the iteration early aborts the job.
   *
   * @throws AppError `queue.full` at once, with a wait computed from the backlog; `prompt.too_long`; or the reason of
   *   `close`. Claim and samplers then stay the caller's
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
