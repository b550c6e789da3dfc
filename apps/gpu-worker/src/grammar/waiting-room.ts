import { AppError } from '@loupe/shared/errors'

/** Those who wait until something that is in use is free. */
export class WaitingRoom {
  readonly #most: number
  readonly #waiting = new Set<() => void>()

  /** @param most - so many may wait */
  constructor(most: number) {
    this.#most = most
  }

  /** Resolves when it may be free. @throws AppError `queue.full`, or the reason of `signal` */
  async wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#most) {
      throw new AppError('queue.full', `${this.#waiting.size} requests wait for their grammars.`)
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    try {
      await abortable(promise, signal)
    } finally {
      this.#waiting.delete(resolve)
    }
  }

  /** Lets all of them look, in the order in which they came. */
  wake(): void {
    for (const resolve of this.#waiting) resolve()
  }
}

/** The same promise, given up when the signal aborts. @throws the reason of `signal` */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
