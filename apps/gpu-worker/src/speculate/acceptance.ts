/** Of drafts: about the last ten decide. */
const MEMORY = 0.9
/** Of tokens that nothing was guessed for: after a hundred of them a failure is forgotten, and it is tried again. */
const FORGIVENESS = 0.98
/** Before anything is known, as if one token of two had been right. */
const FIRST_GUESS = { accepted: 1, refused: 1 }

/** Learns how likely one more token of a draft is right. */
export class Acceptance {
  #accepted = 0
  #refused = 0

  /** Between 0 and 1, given that the tokens before it are right. */
  get share(): number {
    const accepted = this.#accepted + FIRST_GUESS.accepted
    return accepted / (accepted + this.#refused + FIRST_GUESS.refused)
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
