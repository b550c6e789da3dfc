import { AppError } from '@loupe/shared/errors'

/** On what terms a task runs and waits. */
export interface TaskTerms {
  readonly tenant: string
  /** Lower runs first. */
  readonly priority: number
  readonly timeoutMs: number | undefined
}

/** Whom a task tells how it went. */
export interface TaskEvents {
  /** Its wait is over. Called once at most. */
  started(): void
  /** Called exactly once; `undefined` is success. */
  settled(error: unknown): void
}

/** One admitted job from admission to its end. It is aborted by its client, by its deadline or by the engine. */
export class Task {
  readonly tenant: string
  readonly priority: number
  /** Newer tasks have higher ones. */
  readonly serial: number
  readonly #events: TaskEvents
  readonly #controller = new AbortController()
  readonly #client: AbortSignal
  readonly #onClientGone = () => this.abort(departure(this.#client.reason))
  readonly #deadline: ReturnType<typeof setTimeout> | undefined
  #hasStarted = false
  #isSettled = false

  /** @param terms - `serial`: how many tasks were admitted before */
  constructor(terms: TaskTerms & { readonly serial: number }, events: TaskEvents, client: AbortSignal) {
    this.tenant = terms.tenant
    this.priority = terms.priority
    this.serial = terms.serial
    this.#events = events
    this.#client = client
    client.addEventListener('abort', this.#onClientGone)
    if (client.aborted) this.#onClientGone()
    const { timeoutMs } = terms
    if (timeoutMs !== undefined) this.#deadline = setTimeout(() => this.abort(late(timeoutMs)), timeoutMs)
  }

  /** Aborts when the task is to end before it is done. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get isSettled(): boolean {
    return this.#isSettled
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason)
  }

  start(): void {
    if (this.#hasStarted || this.#isSettled) return
    this.#hasStarted = true
    this.#events.started()
  }

  settle(error: unknown): void {
    if (this.#isSettled) return
    this.#isSettled = true
    clearTimeout(this.#deadline)
    this.#client.removeEventListener('abort', this.#onClientGone)
    this.#events.settled(error)
  }
}

/** HTTP servers abort with reasons of their own. */
function departure(reason: unknown): AppError {
  return AppError.isInstance(reason) ? reason : new AppError('request.cancelled', '', { cause: reason })
}

function late(timeoutMs: number): AppError {
  return new AppError('worker.timeout', `The answer was not complete after ${timeoutMs} ms.`)
}
