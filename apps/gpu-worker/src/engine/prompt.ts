import type { EngineEvent, GenerateJob } from './engine.ts'
import type { Task } from './task.ts'

/** How a {@link Prompt} is read, and who hears of its answers. */
export interface PromptOptions {
  /** Takes each event at once and does not wait. */
  readonly emit: (event: EngineEvent) => void
  readonly imageTokenId: number
}

/** What all answers to one request share. */
export class Prompt {
  readonly task: Task
  readonly job: GenerateJob
  readonly #emit: (event: EngineEvent) => void
  /** Where each picture begins. */
  readonly #pictureStarts: readonly number[]
  #features: readonly Float32Array[] | undefined
  #answersLeft: number

  constructor(task: Task, job: GenerateJob, { emit, imageTokenId }: PromptOptions) {
    this.task = task
    this.job = job
    this.#emit = emit
    this.#pictureStarts = pictureStarts(job.inputIds, imageTokenId)
    this.#features = this.#pictureStarts.length === 0 ? [] : undefined
    this.#answersLeft = job.samplers.length
  }

  /** Whether its pictures have been looked at. */
  get isSeen(): boolean {
    return this.#features !== undefined
  }

  get hasPictures(): boolean {
    return this.#pictureStarts.length > 0
  }

  get answersLeft(): number {
    return this.#answersLeft
  }

  /** Looks at its pictures. @throws the reason of the task's signal, or what the vision tower reports */
  async look(): Promise<void> {
    this.#features = await this.job.images.features(this.task.signal)
  }

  /** Features of the pictures that begin at the tokens [from, end). */
  featuresIn(from: number, end: number): readonly Float32Array[] {
    return (this.#features ?? []).filter((_, index) => {
      const start = this.#pictureStarts[index] ?? -1
      return start >= from && start < end
    })
  }

  emit(event: EngineEvent): void {
    if (this.task.isSettled) return
    if (event.type === 'done') this.#answersLeft--
    this.#emit(event)
  }
}

function pictureStarts(ids: Int32Array, imageTokenId: number): number[] {
  const starts: number[] = []
  for (let at = ids.indexOf(imageTokenId); at >= 0; at = ids.indexOf(imageTokenId, at)) {
    starts.push(at)
    while (ids[at] === imageTokenId) at++
  }
  return starts
}
