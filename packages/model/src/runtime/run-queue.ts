import { cancellable } from './cancellation.ts'

/** Lets a limited number of tasks run at once, in the order they came. */
export class RunQueue {
  #free: number
  /** Insertion-ordered, so that the first is the next, and any can leave. */
  readonly #waiting = new Set<() => void>()

  constructor(limit: number) {
    this.#free = limit
  }

  /** @throws AppError `request.cancelled` if the signal aborts before the task's turn; the task is then never started */
  async run<T>(task: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    await this.#enter(signal)
    try {
      return await task()
    } finally {
      this.#leave()
    }
  }

  async #enter(signal: AbortSignal | undefined): Promise<void> {
    const turn = Promise.withResolvers<void>()
    const leave = () => {
      if (this.#waiting.delete(turn.resolve)) turn.reject(signal?.reason)
    }
    await cancellable(signal, leave, () => {
      if (this.#free > 0) {
        this.#free -= 1
        turn.resolve()
      } else this.#waiting.add(turn.resolve)
      return turn.promise
    })
  }

  /** Hands the place on, without freeing it in between. */
  #leave(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free += 1
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
