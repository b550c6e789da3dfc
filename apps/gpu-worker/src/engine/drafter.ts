/** Guesses how answers go on. */
export interface Speculator {
  /** Begins to look at an answer. */
  open(): Drafter
  /** A run of the model for one sequence alone: how many tokens went through it, and how long it took. */
  timed(tokens: number, elapsedMs: number): void
}

/** Guesses how one answer goes on. */
export interface Drafter {
  /**
   * @param ids - `[t]` prompt and answer so far
   * @param most - how many tokens may be guessed
   * @returns tokens that may follow; none when there is no good guess
   */
  propose(ids: Int32Array, most: number): Int32Array
  /** The last draft was looked at: how many tokens it had, and how many of them were right. */
  judged(drafted: number, accepted: number): void
}
