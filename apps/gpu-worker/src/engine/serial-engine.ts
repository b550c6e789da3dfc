import { AppError } from '@loupe/shared/errors'
import { Backlog } from './backlog.ts'
import type { EncodeJob, Engine, EngineEvent, EngineLoad, GenerateJob } from './engine.ts'
import { EventChannel } from './event-channel.ts'
import { FairQueue, type QueueLimits } from './fair-queue.ts'
import type { GenerativeModel } from './model.ts'
import { runGenerateJob } from './run-job.ts'
import { Task, type TaskTerms, type TaskWork } from './task.ts'

/** What a {@link SerialEngine} is made of. */
export interface SerialEngineOptions {
  readonly model: GenerativeModel
  readonly limits: QueueLimits
  /** A clock in milliseconds, for the estimate of waits. */
  readonly now: () => number
}

/** An engine that runs one job at a time, from a fair and bounded queue. */
export class SerialEngine implements Engine {
  readonly #model: GenerativeModel
  readonly #now: () => number
  readonly #queue: FairQueue<Task>
  readonly #backlog = new Backlog()
  /** Everything that waits or runs. */
  readonly #tasks = new Set<Task>()
  readonly #idleWaiters: (() => void)[] = []
  #isRunning = false
  #closedFor: Error | undefined

  constructor({ model, limits, now }: SerialEngineOptions) {
    this.#model = model
    this.#now = now
    this.#queue = new FairQueue(limits)
  }

  get load(): EngineLoad {
    return { running: this.#tasks.size - this.#queue.size, waiting: this.#queue.size }
  }

  generate(job: GenerateJob, signal: AbortSignal): AsyncIterable<EngineEvent> {
    const channel = new EventChannel<EngineEvent>(() => task.abort(new AppError('request.cancelled')))
    const emit = (event: EngineEvent) => {
      job.observer.event(event)
      channel.push(event)
    }
    const work = {
      run: (aborted: AbortSignal) => runGenerateJob(this.#model, job, emit, aborted),
      settled: (error: unknown) => {
        job.images[Symbol.dispose]()
        job.observer.settled(error)
        if (error === undefined) channel.end()
        else channel.fail(error)
      },
    }
    const task = this.#admit({ ...job, tokens: job.inputIds.length + job.stop.maxTokens }, work, signal)
    return channel
  }

  encode(job: EncodeJob, signal: AbortSignal): Promise<readonly Float32Array[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Float32Array[]>()
    const work = {
      run: async (aborted: AbortSignal) => resolve(await job.images.features(aborted)),
      settled: (error: unknown) => {
        job.images[Symbol.dispose]()
        if (error !== undefined) reject(error)
      },
    }
    this.#admit({ ...job, tokens: job.costTokens }, work, signal)
    return promise
  }

  idle(): Promise<void> {
    if (this.#tasks.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idleWaiters.push(resolve))
  }

  async close(reason: Error): Promise<void> {
    this.#closedFor ??= reason
    for (const task of this.#tasks) task.abort(reason)
    await this.idle()
  }

  #admit(terms: TaskTerms, work: TaskWork, signal: AbortSignal): Task {
    if (this.#closedFor !== undefined) throw this.#closedFor
    if (!this.#queue.hasRoomFor(terms)) {
      throw new AppError('queue.full', `${this.#queue.size} requests are waiting already.`, {
        retryAfterMs: this.#backlog.waitMs(this.#queue.tokens),
      })
    }
    const task = new Task(terms, work, signal)
    this.#tasks.add(task)
    this.#queue.push(task)
    task.signal.addEventListener('abort', () => this.#giveUp(task), { once: true })
    if (task.signal.aborted) this.#giveUp(task)
    else if (!this.#isRunning) void this.#runAll()
    return task
  }

  /** A task that waits leaves at once; one that runs has heard of it through its own signal. */
  #giveUp(task: Task): void {
    if (this.#queue.remove(task)) this.#end(task, task.signal.reason)
  }

  async #runAll(): Promise<void> {
    this.#isRunning = true
    for (let task = this.#queue.shift(); task !== undefined; task = this.#queue.shift()) {
      const startedMs = this.#now()
      const error = await task.outcome()
      this.#backlog.record(task.tokens, this.#now() - startedMs)
      this.#end(task, error)
    }
    this.#isRunning = false
  }

  #end(task: Task, error: unknown): void {
    this.#tasks.delete(task)
    task.settle(error)
    if (this.#tasks.size > 0) return
    for (const resolve of this.#idleWaiters.splice(0)) resolve()
  }
}
