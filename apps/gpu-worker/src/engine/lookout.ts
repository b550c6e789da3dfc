import type { FairQueue } from './fair-queue.ts'
import type { Task } from './task.ts'
import { isReady, PictureWork, type Waiting } from './waiting.ts'

/** What a {@link Lookout} is made of. */
export interface LookoutOptions {
  readonly waiting: FairQueue<Waiting>
  /** How many requests whose pictures have been looked at may wait for a slot: their features take memory. */
  readonly ahead: number
  /** A task that wanted nothing but the features of its pictures has them. */
  readonly succeed: (task: Task) => void
  readonly fail: (task: Task, error: unknown) => void
  /** A request may be ready for a slot now, or nothing is left to look at. */
  readonly onChange: () => void
}

/**
 * Looks at the pictures of those who wait, in the order of their turns and one request at a time: a vision pass fills the
 * device. A request keeps its place in the queue meanwhile, and needs no slot.
 */
export class Lookout {
  readonly #options: LookoutOptions
  #isRunning = false
  #current: Waiting | undefined

  constructor(options: LookoutOptions) {
    this.#options = options
  }

  /** Whose pictures are being looked at. */
  get current(): Waiting | undefined {
    return this.#current
  }

  /** Somebody came or has got a slot. */
  wake(): void {
    if (!this.#isRunning) void this.#lookAtAll()
  }

  async #lookAtAll(): Promise<void> {
    this.#isRunning = true
    for (let item = this.#next(); item !== undefined; item = this.#next()) {
      this.#current = item
      await this.#lookAt(item)
      this.#current = undefined
      this.#options.onChange()
    }
    this.#isRunning = false
  }

  async #lookAt(item: Waiting): Promise<void> {
    const { waiting, succeed, fail } = this.#options
    item.task.start()
    if (item instanceof PictureWork) waiting.remove(item)
    try {
      await item.look()
      if (item instanceof PictureWork) succeed(item.task)
    } catch (error) {
      fail(item.task, error)
    }
  }

  #next(): Waiting | undefined {
    const { waiting, ahead } = this.#options
    let seen = 0
    for (const item of waiting.inOrder()) {
      if (!isReady(item)) return item
      if (item.prompt.hasPictures && ++seen >= ahead) return undefined
    }
    return undefined
  }
}
