import { AppError } from '@loupe/shared/errors'
import type { QueueItem } from './fair-queue.ts'

/** On what terms a task runs and waits. */
export interface TaskTerms extends QueueItem {
  readonly timeoutMs: number | undefined
}

/** What a task does and whom it tells. */
export interface TaskWork {
  run(signal: AbortSignal): Promise<void>
  /** Called exactly once, when the task has ended or has given up waiting; `undefined` is success. */
  settled(error: unknown): void
}

/** One admitted job from admission to its end. It is aborted by its client, by its deadline or by the engine. */
export class Task implements QueueItem {
  readonly tenant: string
  readonly priority: number
  readonly tokens: number
  readonly #work: TaskWork
  readonly #controller = new AbortController()
  readonly #client: AbortSignal
  readonly #onClientGone = () => this.abort(departure(this.#client.reason))
  readonly #deadline: ReturnType<typeof setTimeout> | undefined
  #isSettled = false

  constructor(terms: TaskTerms, work: TaskWork, client: AbortSignal) {
    this.tenant = terms.tenant
    this.priority = terms.priority
    this.tokens = terms.tokens
    this.#work = work
    this.#client = client
    client.addEventListener('abort', this.#onClientGone)
    if (client.aborted) this.#onClientGone()
    const { timeoutMs } = terms
    if (timeoutMs !== undefined) this.#deadline = setTimeout(() => this.abort(late(timeoutMs)), timeoutMs)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason)
  }

  /** @returns why the task failed; `undefined` when it did not. An aborted task failed for the reason of its abort. */
  async outcome(): Promise<unknown> {
    try {
      await this.#work.run(this.signal)
      return undefined
    } catch (error) {
      return this.signal.aborted ? this.signal.reason : (error ?? new AppError('internal'))
    }
  }

  settle(error: unknown): void {
    if (this.#isSettled) return
    this.#isSettled = true
    clearTimeout(this.#deadline)
    this.#client.removeEventListener('abort', this.#onClientGone)
    this.#work.settled(error)
  }
}

/** HTTP servers abort with reasons of their own. */
function departure(reason: unknown): AppError {
  return AppError.isInstance(reason) ? reason : new AppError('request.cancelled', '', { cause: reason })
}

function late(timeoutMs: number): AppError {
  return new AppError('worker.timeout', `The answer was not complete after ${timeoutMs} ms.`)
}
