import { Choice } from './choice.ts'
import type { EncodeJob } from './engine.ts'
import type { QueueItem } from './fair-queue.ts'
import type { Task } from './task.ts'

/** Pictures that somebody wants the features of. */
export class PictureWork implements QueueItem {
  readonly task: Task
  readonly tokens: number
  readonly #job: EncodeJob
  readonly #done: (features: readonly Float32Array[]) => void

  constructor(task: Task, job: EncodeJob, done: (features: readonly Float32Array[]) => void) {
    this.task = task
    this.tokens = job.costTokens
    this.#job = job
    this.#done = done
  }

  get tenant(): string {
    return this.task.tenant
  }

  get priority(): number {
    return this.task.priority
  }

  /** @throws the reason of the task's signal, or what the vision tower reports */
  async look(): Promise<void> {
    this.#done(await this.#job.images.features(this.task.signal))
  }
}

/** What waits in the queue of an engine. */
export type Waiting = Choice | PictureWork

/** Whether all that it waits for is a slot. */
export function isReady(item: Waiting): item is Choice {
  return item instanceof Choice && item.prompt.isSeen
}
