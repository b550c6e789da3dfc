import type { TokenConstraint } from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import type { GrammarTask } from './grammar-task.ts'
import type { GrammarThread } from './grammar-thread.ts'

/** Finding the tokens that may follow takes well under a millisecond; a grammar that needs this long is hostile. */
const STEP_MS = 2000

/** Follows one answer through a grammar that a thread has compiled. The thread works while the model does. */
export class GrammarConstraint implements TokenConstraint {
  readonly mask: Int32Array
  readonly #thread: GrammarThread
  readonly #matcher: number
  readonly #onDispose: () => void
  #isDisposed = false
  #fault: AppError | undefined
  /** Settles with the last task. */
  #last: Promise<void> | undefined

  /**
   * @param key - of the grammar
   * @param place - `matcher`: a number that no other constraint of the thread has; `words`: of the mask
   */
  constructor(
    thread: GrammarThread,
    key: string,
    place: { readonly matcher: number; readonly words: number; readonly onDispose: () => void },
  ) {
    this.#thread = thread
    this.#matcher = place.matcher
    this.#onDispose = place.onDispose
    this.mask = new Int32Array(new SharedArrayBuffer(place.words * Int32Array.BYTES_PER_ELEMENT))
    this.#run({ task: 'start', matcher: this.#matcher, key, mask: this.mask })
  }

  ready(): Promise<void> | undefined {
    return this.#fault === undefined ? this.#last : Promise.reject(this.#fault)
  }

  accept(id: number): void {
    this.#run({ task: 'accept', matcher: this.#matcher, id })
  }

  rollback(tokens: number): void {
    this.#run({ task: 'rollback', matcher: this.#matcher, tokens })
  }

  [Symbol.dispose](): void {
    if (this.#isDisposed) return
    this.#isDisposed = true
    this.#run({ task: 'stop', matcher: this.#matcher })
    this.#onDispose()
  }

  #run(task: GrammarTask): void {
    const done: Promise<void> = this.#thread.run(task, STEP_MS).then(
      () => {
        if (this.#last === done) this.#last = undefined
      },
      (error: unknown) => {
        this.#fault = AppError.from(error)
        throw this.#fault
      },
    )
    // Whoever asks whether it is ready hears of the fault; nobody may ask.
    done.catch(() => undefined)
    this.#last = done
  }
}
