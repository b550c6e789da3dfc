import { Choice } from './choice.ts'
import type { FairQueue } from './fair-queue.ts'
import type { SavedSequence } from './model.ts'
import type { Seats } from './seats.ts'
import { isReady, type Waiting } from './waiting.ts'

/** What an {@link Usher} decides about. */
export interface UsherOptions {
  readonly seats: Seats
  readonly waiting: FairQueue<Waiting>
  /** A sequence had to give its slot to a more important one. */
  readonly onPreempted: () => void
}

/** Decides who gets a slot, and who has to give it up. */
export class Usher {
  readonly #seats: Seats
  readonly #waiting: FairQueue<Waiting>
  readonly #onPreempted: () => void
  /** How good a claim to its slot each sequence has: its priority, or a better one that it has waited for. */
  readonly #standings = new WeakMap<Choice, number>()

  constructor({ seats, waiting, onPreempted }: UsherOptions) {
    this.#seats = seats
    this.#waiting = waiting
    this.#onPreempted = onPreempted
  }

  /** Gives free slots to those whose turn it is. The pool is not touched, so that it may be called while a step runs. */
  seat(): void {
    while (this.#seats.hasFree) {
      const choice = this.#waiting.first(isReady)
      if (choice === undefined) return
      this.#give(choice)
    }
  }

  /**
   * A strictly better priority takes the slot of the worst, of equal ones that of the newest, who goes on later where it
   * was. Nobody loses a slot to those of the same priority, nor at once one that was waited for.
   */
  makeRoom(): void {
    for (let next = this.#mostImportant(); next !== undefined; next = this.#mostImportant()) {
      const worst = this.#seats.occupants.reduce((a, b) => (this.#isWorse(a, b) ? a : b))
      if (this.#standingOf(worst) <= next.priority) return
      worst.saved = this.#save(worst)
      worst.tokens = worst.mostTokens - this.#seats.lengthOf(worst)
      this.#seats.free(worst)
      this.#give(next)
      this.#waiting.pushFront(worst)
      this.#onPreempted()
    }
  }

  /** Further answers to a prompt that has just been computed: they share its keys and values, now or when a slot is free. */
  branch(choice: Choice, branches: readonly Choice[]): void {
    const late = branches.filter((branch) => {
      if (!this.#seats.hasFree) return true
      this.#seats.branch(choice, branch)
      return false
    })
    if (late.length === 0) return
    const saved = this.#save(choice)
    for (const branch of late) {
      branch.saved = saved
      this.#waiting.pushFront(branch)
    }
  }

  #give(choice: Choice): void {
    this.#standings.set(choice, Math.min(choice.priority, this.#waiting.standingOf(choice)))
    this.#waiting.take(choice)
    choice.task.start()
    this.#seats.give(choice)
  }

  /** Among those that wait for nothing but a slot. */
  #mostImportant(): Choice | undefined {
    const ready = [...this.#waiting.inOrder()].filter(isReady)
    return ready.reduce<Choice | undefined>(
      (best, each) => (best && best.priority <= each.priority ? best : each),
      undefined,
    )
  }

  #standingOf(choice: Choice): number {
    return this.#standings.get(choice) ?? choice.priority
  }

  /** Whom to send away first. */
  #isWorse(a: Choice, b: Choice): boolean {
    const [own, other] = [this.#standingOf(a), this.#standingOf(b)]
    return own === other ? a.task.serial > b.task.serial : own > other
  }

  /** What is taken out of slots may be as much as all of them hold. Beyond that it is computed again. */
  #save(choice: Choice): SavedSequence | undefined {
    const saved = new Set<SavedSequence>()
    for (const item of this.#waiting.inOrder()) {
      if (item instanceof Choice && item.saved !== undefined) saved.add(item.saved)
    }
    return saved.size < this.#seats.slots ? this.#seats.save(choice) : undefined
  }
}
