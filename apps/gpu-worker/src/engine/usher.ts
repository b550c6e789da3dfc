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

  constructor({ seats, waiting, onPreempted }: UsherOptions) {
    this.#seats = seats
    this.#waiting = waiting
    this.#onPreempted = onPreempted
  }

  /** Gives free slots to those whose turn it is. The pool is not touched, so that it may be called while a step runs. */
  seat(): void {
    while (this.#seats.hasFree) {
      const choice = this.#waiting.shift(isReady)
      if (choice === undefined) return
      choice.task.start()
      this.#seats.give(choice)
    }
  }

  /**
   * A strictly better priority takes the slot of the worst, of equal ones that of the newest, who goes on later where it
   * was.
   */
  makeRoom(): void {
    for (let next = this.#waiting.first(isReady); next !== undefined; next = this.#waiting.first(isReady)) {
      const worst = this.#seats.occupants.reduce((a, b) => (isWorse(a, b) ? a : b))
      if (worst.priority <= next.priority) return
      worst.saved = this.#save(worst)
      worst.tokens = worst.mostTokens - this.#seats.lengthOf(worst)
      this.#seats.free(worst)
      this.#waiting.pushFront(worst)
      this.#onPreempted()
      this.seat()
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
    for (const branch of late.reverse()) {
      branch.saved = saved
      this.#waiting.pushFront(branch)
    }
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

/** Whom to send away first. */
function isWorse(a: Choice, b: Choice): boolean {
  return a.priority === b.priority ? a.task.serial > b.task.serial : a.priority > b.priority
}
