import type { GenerateJob } from './engine.ts'
import type { SavedTokens } from './model.ts'

/** Keys and values of the fronts of earlier sequences. */
export interface PrefixCache {
  /** Begins to look at a sequence: an answer to this job. */
  open(job: GenerateJob): PrefixChain
}

/** What is known of one sequence, and what becomes known of it. */
export interface PrefixChain {
  /** What is known of the front of its prompt: stretches in order, the first at token 0; never the whole prompt. */
  match(): readonly SavedTokens[]
  /**
   * A slot holds these tokens of it, its prompt and what was answered so far. Called whenever they have become more,
   * between two calls of the pool.
   */
  store(ids: Int32Array, slot: PrefixSource): void
}

/** A slot of a pool, to take tokens out of. */
export interface PrefixSource {
  /** The first token that can still be taken. */
  readonly heldFrom: number
  /** The tokens [from, end). */
  save(from: number, end: number): SavedTokens
}
