import type { Choice } from './choice.ts'
import type { EngineMonitor } from './engine-monitor.ts'
import type { Task } from './task.ts'

/** What a {@link Chooser} is made of. */
export interface ChooserOptions {
  readonly monitor: EngineMonitor
  /** A clock in milliseconds. */
  readonly now: () => number
  /** A task has all its answers. */
  readonly succeed: (task: Task) => void
  readonly fail: (task: Task, error: unknown) => void
}

/** Chooses the next token of each answer: at once, or when its sampler is ready, for which nobody else waits. */
export class Chooser {
  readonly #options: ChooserOptions
  readonly #thinking = new Set<Choice>()
  #hasChanged = false
  #wake: (() => void) | undefined

  constructor(options: ChooserOptions) {
    this.#options = options
  }

  /** Whether a choice has logits from which its token is yet to be chosen. */
  isThinking(choice: Choice): boolean {
    return this.#thinking.has(choice)
  }

  /** @param logits - `[v]`, copied if they are needed later. A fault ends the task of the choice */
  choose(choice: Choice, logits: Float32Array): void {
    if (choice.isOver) return
    try {
      const ready = choice.ready()
      if (ready === undefined) this.#accept(choice, logits)
      else void this.#acceptLater(choice, logits.slice(), ready)
    } catch (error) {
      this.#options.fail(choice.task, error)
    }
  }

  /** Resolves when somebody has been chosen for or `wake` was called since the last time, or when nobody is waited for. */
  async change(): Promise<void> {
    if (this.#thinking.size > 0 && !this.#hasChanged) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#hasChanged = false
  }

  /** Something else has changed. */
  wake(): void {
    this.#hasChanged = true
    this.#wake?.()
  }

  #accept(choice: Choice, logits: Float32Array): void {
    const { monitor, now, succeed } = this.#options
    const gapMs = choice.accept(logits, now())
    if (gapMs !== undefined) monitor.tokenGap(gapMs)
    if (choice.prompt.answersLeft === 0) succeed(choice.task)
  }

  async #acceptLater(choice: Choice, logits: Float32Array, ready: Promise<void>): Promise<void> {
    this.#thinking.add(choice)
    try {
      await ready
      if (!choice.isOver) this.#accept(choice, logits)
    } catch (error) {
      this.#options.fail(choice.task, error)
    }
    this.#thinking.delete(choice)
    this.wake()
  }
}
