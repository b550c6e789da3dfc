/** Weight of the newest job in the estimate: about the last ten jobs decide it. */
const NEWEST = 0.2
/** Before anything was measured: 20 tokens a second. */
const FIRST_GUESS_MS_PER_TOKEN = 50
const SHORTEST_MS = 1000
/** Client libraries give up on longer waits (openai-python above 120 s, the AI SDK above 60 s). */
const LONGEST_MS = 60_000

/** Learns how long work takes, to tell refused clients when to come back. */
export class Backlog {
  #msPerToken = FIRST_GUESS_MS_PER_TOKEN

  /** A job ended: how many tokens it was announced with, and how long it ran. */
  record(tokens: number, elapsedMs: number): void {
    if (tokens > 0) this.#msPerToken += NEWEST * (elapsedMs / tokens - this.#msPerToken)
  }

  /** Until this many tokens of work are done, in whole milliseconds between 1 s and 60 s. */
  waitMs(tokens: number): number {
    return Math.round(Math.min(Math.max(tokens * this.#msPerToken, SHORTEST_MS), LONGEST_MS))
  }
}
