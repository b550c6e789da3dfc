/** Weight that the past keeps with each step: about the last fifty decide. */
const MEMORY = 0.98
/** Before anything was measured: 20 tokens a second. The guess weighs as much as one second of work. */
const FIRST_GUESS = { tokens: 20, elapsedMs: 1000 }
const SHORTEST_MS = 1000
/** Client libraries give up on longer waits (openai-python above 120 s, the AI SDK above 60 s). */
const LONGEST_MS = 60_000

/** Learns how many tokens a second the whole batch makes, to tell refused clients when to come back. */
export class Backlog {
  #tokens = FIRST_GUESS.tokens
  #elapsedMs = FIRST_GUESS.elapsedMs

  /** A step ended: tokens that went through the model in it, those of prompts included, and how long it took. */
  record(tokens: number, elapsedMs: number): void {
    if (tokens === 0) return
    this.#tokens = MEMORY * this.#tokens + tokens
    this.#elapsedMs = MEMORY * this.#elapsedMs + elapsedMs
  }

  /** Until this many tokens of work are done, in whole milliseconds between 1 s and 60 s. */
  waitMs(tokens: number): number {
    const waitMs = (tokens * this.#elapsedMs) / this.#tokens
    return Math.round(Math.min(Math.max(waitMs, SHORTEST_MS), LONGEST_MS))
  }
}
