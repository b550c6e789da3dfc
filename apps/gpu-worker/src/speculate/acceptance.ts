/** Of drafts: about the last ten decide. */
const MEMORY = 0.9
/** Of tokens that nothing was guessed for: after some hundred of them a failure is forgotten, and it is tried again. */
const FORGIVENESS = 0.99
/** What is thought before anything is known weighs as much as so many tokens. */
const FIRST_TOKENS = 2

/** Learns how likely one more token of a draft is right. */
export class Acceptance {
  readonly #first: number
  #accepted = 0
  #refused = 0

  /** @param first - what to think before anything is known */
  constructor(first: number) {
    this.#first = first
  }

  /** Between 0 and 1, given that the tokens before it are right. */
  get share(): number {
    const tokens = FIRST_TOKENS + this.#accepted + this.#refused
    return (FIRST_TOKENS * this.#first + this.#accepted) / tokens
  }

  /** @param accepted - how many of the first tokens of a draft were right */
  record(drafted: number, accepted: number): void {
    this.#fade(MEMORY)
    this.#accepted += accepted
    // What stands behind the first wrong token was never looked at.
    if (accepted < drafted) this.#refused++
  }

  /** A token was made without a draft. */
  rest(): void {
    this.#fade(FORGIVENESS)
  }

  #fade(by: number): void {
    this.#accepted *= by
    this.#refused *= by
  }
}
