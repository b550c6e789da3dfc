import { AppError } from '@loupe/shared/errors'
import type { RuntimeSession } from '../graph/runtime.ts'

/**
 * A session that is loaded when it is first needed. A worker that only serves image features never holds the language
 * model, and the other way round.
 */
export class LazySession implements Disposable {
  readonly #load: () => Promise<RuntimeSession>
  #loading: Promise<RuntimeSession> | undefined
  #session: RuntimeSession | undefined
  #isDisposed = false

  constructor(load: () => Promise<RuntimeSession>) {
    this.#load = load
  }

  /**
   * The session, loaded now if nobody asked before. A failed load is tried again by the next caller. The load is shared,
   * so no caller's cancellation ends it.
   *
   * @throws AppError `runtime.failed` when the model was disposed, or cannot be loaded
   */
  async get(): Promise<RuntimeSession> {
    this.#assertOpen()
    if (this.#session !== undefined) return this.#session
    this.#loading ??= this.#open()
    return this.#loading
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true
    this.#session?.[Symbol.dispose]()
    this.#session = undefined
  }

  async #open(): Promise<RuntimeSession> {
    try {
      const session = await this.#load()
      if (this.#isDisposed) session[Symbol.dispose]()
      this.#assertOpen()
      this.#session = session
      return session
    } finally {
      this.#loading = undefined
    }
  }

  #assertOpen(): void {
    if (this.#isDisposed) throw new AppError('runtime.failed', 'The model was used after it was disposed.')
  }
}
