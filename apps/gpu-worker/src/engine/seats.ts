import { AppError } from '@loupe/shared/errors'
import type { Choice } from './choice.ts'
import type { ModelPool, SavedSequence } from './model.ts'

/** Who sits in which slot of a pool. The lowest free slot is given out first: a batch is then a short range of rows. */
export class Seats {
  readonly #pool: ModelPool
  readonly #bySlot: (Choice | undefined)[]
  readonly #slots = new Map<Choice, number>()
  /** Those whose tokens so far are where they sit. */
  readonly #settled = new Set<Choice>()

  constructor(pool: ModelPool) {
    this.#pool = pool
    this.#bySlot = new Array<Choice | undefined>(pool.slots).fill(undefined)
  }

  get slots(): number {
    return this.#pool.slots
  }

  get hasFree(): boolean {
    return this.#slots.size < this.#pool.slots
  }

  /** In the order of their slots. */
  get occupants(): readonly Choice[] {
    return this.#bySlot.filter((choice) => choice !== undefined)
  }

  get size(): number {
    return this.#slots.size
  }

  /** Tokens whose keys and values are held. */
  get heldTokens(): number {
    return [...this.#slots.values()].reduce((sum, slot) => sum + this.#pool.lengthTokens(slot), 0)
  }

  /** Whether its tokens so far are in its slot. */
  isSettled(choice: Choice): boolean {
    return this.#settled.has(choice)
  }

  slotOf(choice: Choice): number {
    const slot = this.#slots.get(choice)
    if (slot === undefined) throw new AppError('internal', 'A sequence without a slot was to be run.')
    return slot
  }

  /** Tokens of a choice whose keys and values are held. */
  lengthOf(choice: Choice): number {
    return this.#pool.lengthTokens(this.slotOf(choice))
  }

  /** Gives the lowest free slot. The pool is not touched, so that it may be called while a step runs. */
  give(choice: Choice): void {
    const slot = this.#bySlot.indexOf(undefined)
    if (slot < 0) throw new AppError('internal', 'Every slot is taken.')
    this.#bySlot[slot] = choice
    this.#slots.set(choice, slot)
  }

  /** Puts back what was saved of a choice. @returns whether that is news: it sits here for the first time since `give` */
  settle(choice: Choice): boolean {
    if (this.#settled.has(choice)) return false
    const { saved } = choice
    if (saved !== undefined) this.#pool.copyIn(this.slotOf(choice), saved)
    choice.saved = undefined
    this.#settled.add(choice)
    return true
  }

  /** Gives a choice a slot with the tokens of another one; an empty slot where the pool cannot copy. */
  branch(from: Choice, to: Choice): void {
    this.give(to)
    this.#settled.add(to)
    if (this.#pool.isMovable) this.#pool.copy(this.slotOf(from), this.slotOf(to))
  }

  /** What a choice holds, to be put back later; `undefined` when it must be computed again. */
  save(choice: Choice): SavedSequence | undefined {
    if (!this.#settled.has(choice)) return choice.saved
    return this.#pool.isMovable && this.lengthOf(choice) > 0 ? this.#pool.copyOut(this.slotOf(choice)) : undefined
  }

  /** Takes the slot away. */
  free(choice: Choice): void {
    const slot = this.slotOf(choice)
    this.#pool.truncate(slot, 0)
    this.#bySlot[slot] = undefined
    this.#slots.delete(choice)
    this.#settled.delete(choice)
  }
}
