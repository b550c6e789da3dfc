/**
 * Carries values from a producer that does not wait to one consumer that may be slow: a client that reads slowly must not
 * hold up the sequence that runs for it, let alone those behind it. The buffer is bounded by the producer.
 */
export class EventChannel<T> implements AsyncIterable<T> {
  readonly #buffer: T[] = []
  readonly #onLeave: () => void
  #isEnded = false
  #error: { readonly reason: unknown } | undefined
  #wake: (() => void) | undefined

  /** @param onLeave - called when the consumer stops before the end */
  constructor(onLeave: () => void) {
    this.#onLeave = onLeave
  }

  push(value: T): void {
    if (this.#isEnded) return
    this.#buffer.push(value)
    this.#wake?.()
  }

  /** No more values. */
  end(): void {
    this.#isEnded = true
    this.#wake?.()
  }

  /** No more values, and the consumer gets this error after those already there. */
  fail(reason: unknown): void {
    if (this.#isEnded) return
    this.#error = { reason }
    this.end()
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: async () => {
        while (this.#buffer.length === 0 && !this.#isEnded) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
        }
        const value = this.#buffer.shift()
        if (value !== undefined) return { done: false, value }
        if (this.#error !== undefined) throw this.#error.reason
        return { done: true, value: undefined }
      },
      return: async () => {
        this.end()
        this.#onLeave()
        return { done: true, value: undefined }
      },
    }
  }
}
