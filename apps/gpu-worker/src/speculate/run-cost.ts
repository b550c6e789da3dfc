/** Weight of a new measurement. */
const NEWS = 0.1
/** A run beside which the machine did something else tells little: no measurement counts as more of an exception. */
const MOST_SURPRISE = 2
/** What one more token adds to a run until it has been measured, as a share of a run of one token. */
const FIRST_GUESS = 0.3

/** Learns what a run over several tokens of one sequence costs. */
export class RunCost {
  readonly #elapsedMs = new Map<number, number>()

  /** A run of so many tokens took so long. */
  record(tokens: number, elapsedMs: number): void {
    const known = this.#elapsedMs.get(tokens) ?? elapsedMs
    const sane = Math.min(Math.max(elapsedMs, known / MOST_SURPRISE), known * MOST_SURPRISE)
    this.#elapsedMs.set(tokens, known + NEWS * (sane - known))
  }

  /** What a run of so many tokens costs; a run of one costs 1. */
  of(tokens: number): number {
    const [one, several] = [this.#elapsedMs.get(1), this.#elapsedMs.get(tokens)]
    return one === undefined || several === undefined ? 1 + FIRST_GUESS * (tokens - 1) : several / one
  }
}
