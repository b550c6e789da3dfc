/** Does things one after the other, in the order in which they were asked for, whether or not one of them fails. */
export class OneByOne {
  #last: Promise<unknown> = Promise.resolve()

  /** @returns what the action returns @throws what it throws */
  run<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#last.then(action)
    this.#last = done.catch(() => undefined)
    return done
  }
}
