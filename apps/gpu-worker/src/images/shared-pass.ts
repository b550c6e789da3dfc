interface Flight<T> {
  readonly promise: Promise<T>
  readonly controller: AbortController
  waiters: number
  isDone: boolean
}

/**
 * A computation that any number of callers wait for and that runs once. It is aborted when the last caller has gone, and
 * starts anew for a caller who comes after an abort or a failure.
 */
export class SharedPass<T> {
  readonly #compute: (signal: AbortSignal) => Promise<T>
  #flight: Flight<T> | undefined

  constructor(compute: (signal: AbortSignal) => Promise<T>) {
    this.#compute = compute
  }

  /** @throws the reason of `signal`, or what the computation throws */
  async result(signal: AbortSignal): Promise<T> {
    for (;;) {
      signal.throwIfAborted()
      const flight = this.#flight ?? this.#start()
      if (flight.isDone || !flight.controller.signal.aborted) return this.#wait(flight, signal)
      await flight.promise.catch(() => undefined) // everybody had left it; when it has stopped we start again
    }
  }

  #start(): Flight<T> {
    const controller = new AbortController()
    const flight: Flight<T> = { promise: this.#compute(controller.signal), controller, waiters: 0, isDone: false }
    this.#flight = flight
    flight.promise.then(
      () => {
        flight.isDone = true
      },
      () => {
        this.#flight = undefined
      },
    )
    return flight
  }

  async #wait(flight: Flight<T>, signal: AbortSignal): Promise<T> {
    const { promise: aborted, reject } = Promise.withResolvers<never>()
    const leave = () => {
      flight.waiters--
      // The last one waits until the device is free again: whoever runs next must find it so.
      if (flight.waiters === 0) flight.controller.abort(signal.reason)
      else reject(signal.reason)
    }
    flight.waiters++
    signal.addEventListener('abort', leave, { once: true })
    try {
      const result = await Promise.race([flight.promise, aborted])
      signal.throwIfAborted()
      return result
    } finally {
      signal.removeEventListener('abort', leave)
      if (!signal.aborted) flight.waiters--
    }
  }
}
