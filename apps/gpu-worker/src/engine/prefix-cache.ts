import type { GenerateJob } from './engine.ts'
import type { SavedTokens } from './model.ts'

/** Keys and values of the fronts of earlier prompts. */
export interface PrefixCache {
  /** What is known of the front of a prompt: stretches in order, the first at token 0; never the whole prompt. */
  match(job: GenerateJob): readonly SavedTokens[]
  /**
   * A slot holds these tokens of a job, its prompt and what was answered so far. Called whenever they have become more,
   * between two calls of the pool.
   *
   * @param save - takes the tokens [from, end) out of the slot
   */
  store(job: GenerateJob, ids: Int32Array, save: (from: number, end: number) => SavedTokens): void
}
