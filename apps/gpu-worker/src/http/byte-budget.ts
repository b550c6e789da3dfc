/** Bytes that may be held at the same time, over all requests. */
export class ByteBudget {
  readonly #limit: number
  #held = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get held(): number {
    return this.#held
  }

  /** @returns a function that gives the bytes back, or `undefined` when there are not so many left */
  take(bytes: number): (() => void) | undefined {
    if (this.#held + bytes > this.#limit) return undefined
    this.#held += bytes
    return () => {
      this.#held -= bytes
    }
  }
}
