import { AppError } from '@loupe/shared/errors'
import { Backlog } from './backlog.ts'
import { Batch } from './batch.ts'
import { Choice, jobTokens } from './choice.ts'
import type { Speculator } from './drafter.ts'
import type { EncodeJob, Engine, EngineEvent, EngineLoad, GenerateJob } from './engine.ts'
import type { EngineMonitor } from './engine-monitor.ts'
import { EventChannel } from './event-channel.ts'
import { FairQueue, type QueueLimits } from './fair-queue.ts'
import { Lookout } from './lookout.ts'
import type { ModelPool } from './model.ts'
import type { PrefixCache } from './prefix-cache.ts'
import { Prompt } from './prompt.ts'
import { Task, type TaskEvents, type TaskTerms } from './task.ts'
import { PictureWork, type Waiting } from './waiting.ts'

/** What a {@link BatchEngine} is made of. */
export interface BatchEngineOptions {
  /** The engine disposes it when it is closed. */
  readonly pool: ModelPool
  /** The token that keeps the places of pictures; -1 for a text-only model. */
  readonly imageTokenId: number
  readonly limits: QueueLimits
  /** Most tokens of prompts that one step computes; a picture is never cut. */
  readonly chunkTokens: number
  readonly prefixes?: PrefixCache | undefined
  /** Guesses for an answer that is alone; none by default. */
  readonly speculator?: Speculator | undefined
  readonly monitor: EngineMonitor
  /** A clock in milliseconds. */
  readonly now: () => number
}

/**
 * Answers many requests at once from one pool. They wait in a fair and bounded queue, first until their pictures have
 * been looked at, which happens beside everything else, then until a slot is free. From then on they are part of every
 * step of the {@link Batch}.
 */
export class BatchEngine implements Engine {
  readonly #pool: ModelPool
  readonly #imageTokenId: number
  readonly #waiting: FairQueue<Waiting>
  readonly #batch: Batch
  readonly #lookout: Lookout
  readonly #backlog = new Backlog()
  /** Everything that waits or runs. */
  readonly #tasks = new Set<Task>()
  readonly #idleWaiters: (() => void)[] = []
  #admitted = 0
  #isStepping = false
  #closedFor: Error | undefined

  constructor({ pool, limits, monitor, prefixes, speculator, ...options }: BatchEngineOptions) {
    this.#pool = pool
    this.#imageTokenId = options.imageTokenId
    this.#waiting = new FairQueue(limits, options.now)
    const shared = {
      waiting: this.#waiting,
      succeed: (task: Task) => this.#end(task, undefined),
      fail: (task: Task, error: unknown) => this.#end(task, error ?? new AppError('internal')),
    }
    this.#lookout = new Lookout({ ...shared, ahead: pool.slots, onChange: () => this.#wake() })
    this.#batch = new Batch({
      ...shared,
      ...options,
      pool,
      prefixes,
      speculator,
      monitor: {
        ...monitor,
        step: (step) => {
          this.#backlog.record(step.decoded + step.prefilled, step.elapsedMs)
          monitor.step(step)
        },
      },
    })
  }

  get load(): EngineLoad {
    const { slots, capacityTokens } = this.#pool
    const { heldTokens } = this.#batch
    return {
      running: this.#batch.size + (this.#lookout.current instanceof PictureWork ? 1 : 0),
      waiting: this.#waiting.size,
      heldTokens,
      heldShare: heldTokens / (slots * capacityTokens),
    }
  }

  generate(job: GenerateJob, signal: AbortSignal): AsyncIterable<EngineEvent> {
    this.#checkAdmission(job, jobTokens(job))
    this.#checkLength(job)
    const channel = new EventChannel<EngineEvent>(() => task.abort(new AppError('request.cancelled')))
    const emit = (event: EngineEvent) => {
      job.observer.event(event)
      channel.push(event)
    }
    const events = {
      started: () => emit({ type: 'start' }),
      settled: (error: unknown) => {
        job.images[Symbol.dispose]()
        for (const sampler of job.samplers) sampler[Symbol.dispose]()
        job.observer.settled(error)
        if (error === undefined) channel.end()
        else channel.fail(error)
      },
    }
    const task = new Task({ ...job, serial: this.#admitted++ }, events, signal)
    this.#admit(new Choice(new Prompt(task, job, { emit, imageTokenId: this.#imageTokenId }), 0))
    return channel
  }

  encode(job: EncodeJob, signal: AbortSignal): Promise<readonly Float32Array[]> {
    this.#checkAdmission(job, job.costTokens)
    const { promise, resolve, reject } = Promise.withResolvers<readonly Float32Array[]>()
    const events: TaskEvents = {
      started: () => undefined,
      settled: (error) => {
        job.images[Symbol.dispose]()
        if (error !== undefined) reject(error)
      },
    }
    const task = new Task({ ...job, serial: this.#admitted++ }, events, signal)
    this.#admit(new PictureWork(task, job, resolve))
    return promise
  }

  idle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve()
    return new Promise((resolve) => this.#idleWaiters.push(resolve))
  }

  async close(reason: Error): Promise<void> {
    const isFirst = this.#closedFor === undefined
    this.#closedFor ??= reason
    for (const task of this.#tasks) task.abort(reason)
    await this.idle()
    if (isFirst) this.#pool[Symbol.dispose]()
  }

  get #isIdle(): boolean {
    return this.#tasks.size === 0 && !this.#isStepping && this.#lookout.current === undefined
  }

  #checkAdmission({ tenant, priority }: TaskTerms, tokens: number): void {
    if (this.#closedFor !== undefined) throw this.#closedFor
    if (this.#waiting.hasRoomFor({ tenant, priority, tokens })) return
    throw new AppError('queue.full', `${this.#waiting.size} requests are waiting already.`, {
      retryAfterMs: this.#backlog.waitMs(this.#waiting.tokens + this.#batch.tokensLeft),
    })
  }

  /** One that outgrows its slot would take everybody who shares the step with it. */
  #checkLength({ inputIds, stop }: GenerateJob): void {
    const tokens = inputIds.length + stop.maxTokens
    const { capacityTokens } = this.#pool
    if (tokens <= capacityTokens) return
    throw new AppError('prompt.too_long', `Expected at most ${capacityTokens} tokens, found ${tokens}.`)
  }

  #admit(item: Waiting): void {
    const { task } = item
    this.#tasks.add(task)
    this.#waiting.push(item)
    task.signal.addEventListener('abort', () => this.#end(task, task.signal.reason), { once: true })
    if (task.signal.aborted) this.#end(task, task.signal.reason)
    else this.#wake()
  }

  #wake(): void {
    this.#batch.seat()
    if (!this.#isStepping) void this.#runSteps()
    this.#lookout.wake()
    this.#tellIfIdle()
  }

  async #runSteps(): Promise<void> {
    this.#isStepping = true
    try {
      while (this.#batch.arrange()) {
        this.#lookout.wake() // who has got a slot makes room for the next to be looked at
        await this.#batch.step()
      }
    } catch (error) {
      for (const task of this.#tasks) this.#end(task, error ?? new AppError('internal'))
    }
    this.#isStepping = false
    this.#tellIfIdle()
  }

  /** What waits leaves at once; what has a slot leaves it after the step. @param error - `undefined` is success */
  #end(task: Task, error: unknown): void {
    if (!this.#tasks.delete(task)) return
    for (const item of this.#waiting.inOrder()) if (item.task === task) this.#waiting.remove(item)
    task.settle(task.signal.aborted ? task.signal.reason : error)
    this.#batch.leave(error)
    this.#lookout.wake() // whoever has gone makes room, too
    this.#tellIfIdle()
  }

  #tellIfIdle(): void {
    if (!this.#isIdle) return
    for (const resolve of this.#idleWaiters.splice(0)) resolve()
  }
}
