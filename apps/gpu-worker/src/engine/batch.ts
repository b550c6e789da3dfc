import type { Choice } from './choice.ts'
import { chunkEnd } from './chunk-end.ts'
import type { EngineMonitor } from './engine-monitor.ts'
import type { FairQueue } from './fair-queue.ts'
import type { ModelPool } from './model.ts'
import type { PrefixCache } from './prefix-cache.ts'
import { Seats } from './seats.ts'
import type { Task } from './task.ts'
import { isReady, type Waiting } from './waiting.ts'

/** What a {@link Batch} is made of. */
export interface BatchOptions {
  readonly pool: ModelPool
  /** Where sequences come from, and where those go back to that had to give up their slot. */
  readonly waiting: FairQueue<Waiting>
  /** Most tokens of prompts that one step computes; a picture is never cut. */
  readonly chunkTokens: number
  readonly imageTokenId: number
  readonly prefixes: PrefixCache | undefined
  readonly monitor: EngineMonitor
  /** A clock in milliseconds. */
  readonly now: () => number
  /** A task has all its answers. */
  readonly succeed: (task: Task) => void
  readonly fail: (task: Task, error: unknown) => void
}

/**
 * The sequences that have a slot. A step gives each of them that answers one more token, all in one run of the model, and
 * computes a chunk of the prompts of the others: nobody waits for somebody else's prompt by more than a chunk.
 */
export class Batch {
  readonly #options: BatchOptions
  readonly #seats: Seats
  /** When each sequence last computed a chunk of its prompt: they take turns. */
  readonly #turns = new WeakMap<Choice, number>()
  #turn = 0
  /** The call of the pool that runs, and for whom. */
  #flight: { readonly choices: readonly Choice[]; readonly controller: AbortController } | undefined

  constructor(options: BatchOptions) {
    this.#options = options
    this.#seats = new Seats(options.pool)
  }

  /** How many sequences have a slot. */
  get size(): number {
    return this.#seats.size
  }

  /** Tokens whose keys and values are held. */
  get heldTokens(): number {
    return this.#seats.heldTokens
  }

  /** Tokens that the sequences here may still become longer by. */
  get tokensLeft(): number {
    const left = this.#seats.occupants.map((choice) => choice.mostTokens - this.#seats.lengthOf(choice))
    return left.reduce((sum, tokens) => sum + tokens, 0)
  }

  /** Gives free slots to those whose turn it is. May be called while a step runs. */
  seat(): void {
    const { waiting } = this.#options
    while (this.#seats.hasFree) {
      const choice = waiting.shift(isReady)
      if (choice === undefined) return
      choice.task.start()
      this.#seats.give(choice)
    }
  }

  /** Some task ended. A call of the pool that nobody waits for any more is given up; one that others share goes on. */
  leave(reason: unknown): void {
    if (this.#flight?.choices.every(({ isOver }) => isOver)) this.#flight.controller.abort(reason)
  }

  /** Lets the finished go and the waiting in, between two steps. @returns whether there is a step to do */
  arrange(): boolean {
    for (const choice of this.#seats.occupants) if (choice.isOver) this.#seats.free(choice)
    this.seat()
    this.#makeRoom()
    for (const choice of this.#seats.occupants) {
      this.#attempt(choice, () => this.#settle(choice))
    }
    return this.#seats.size > 0
  }

  /** One token for everybody who answers, and a chunk of prompt. Does not throw: faults end those whom they befall. */
  async step(): Promise<void> {
    const { monitor, now } = this.#options
    const startedMs = now()
    const decoded = await this.#decode()
    const prefilled = await this.#prefill()
    monitor.step({ decoded, prefilled, elapsedMs: now() - startedMs })
  }

  /** A strictly better priority takes the slot of the worst, of equal ones the newest. */
  #makeRoom(): void {
    const { waiting, monitor } = this.#options
    for (let next = waiting.first(isReady); next !== undefined; next = waiting.first(isReady)) {
      const worst = this.#seats.occupants.reduce((a, b) => (isWorse(a, b) ? a : b))
      if (worst.priority <= next.priority) return
      worst.saved = this.#seats.save(worst)
      worst.tokens = worst.mostTokens - this.#seats.lengthOf(worst)
      this.#seats.free(worst)
      waiting.pushFront(worst)
      monitor.preempted()
      this.seat()
    }
  }

  #settle(choice: Choice): void {
    if (!this.#seats.settle(choice)) return
    const { pool, prefixes } = this.#options
    choice.prefix ??= prefixes?.open(choice.prompt.job)
    if (choice.prefix === undefined || this.#seats.lengthOf(choice) > 0) return
    pool.restore(this.#seats.slotOf(choice), choice.prefix.match())
    choice.cachedTokens = this.#seats.lengthOf(choice)
  }

  async #decode(): Promise<number> {
    const { pool } = this.#options
    const choices = this.#seats.occupants.filter((choice) => this.#isAnswering(choice))
    if (choices.length === 0) return 0
    const slots = choices.map((choice) => this.#seats.slotOf(choice))
    const tokenIds = Int32Array.from(choices, ({ ids }) => ids[ids.length - 1] ?? 0)
    const logits = await this.#call(choices, (signal) => pool.decode(slots, tokenIds, { signal }))
    if (logits !== undefined) await this.#advanced(choices, logits)
    return choices.length
  }

  async #prefill(): Promise<number> {
    const { chunkTokens: most, imageTokenId } = this.#options
    let spent = 0
    for (let choice = this.#whoseTurn(); choice !== undefined; choice = this.#whoseTurn()) {
      const from = this.#seats.lengthOf(choice)
      const end = chunkEnd(choice.ids, { from, most, imageTokenId })
      if (spent > 0 && spent + end - from > most) break
      this.#turns.set(choice, ++this.#turn)
      await this.#computeChunk(choice, from, end)
      spent += end - from
    }
    return spent
  }

  async #computeChunk(choice: Choice, from: number, end: number): Promise<void> {
    const { pool } = this.#options
    const features = choice.prompt.featuresIn(from, end)
    const isLast = end === choice.ids.length
    const logits = await this.#call([choice], (signal) => {
      const options = { logits: isLast ? 1 : 0, signal }
      return pool.prefill(this.#seats.slotOf(choice), choice.ids.subarray(from, end), features, options)
    })
    if (logits === undefined) return
    if (isLast) await this.#advanced([choice], logits)
    else this.#store(choice)
  }

  /** Whether only its newest token is to go through the model. The first token of all has nothing to attend to. */
  #isAnswering(choice: Choice): boolean {
    const length = this.#seats.lengthOf(choice)
    return this.#seats.isSettled(choice) && !choice.isOver && length > 0 && choice.ids.length - length === 1
  }

  /** Of those with a prompt to compute the most important; of equal ones that which has waited longest. */
  #whoseTurn(): Choice | undefined {
    const rank = (choice: Choice) => this.#turns.get(choice) ?? 0
    const eager = this.#seats.occupants.filter((choice) => {
      return this.#seats.isSettled(choice) && !choice.isOver && !this.#isAnswering(choice)
    })
    return eager.sort((a, b) => a.priority - b.priority || rank(a) - rank(b))[0]
  }

  /** A call of the pool. A fault ends those for whom it was, and `undefined` is returned. */
  async #call(choices: readonly Choice[], call: (signal: AbortSignal) => Promise<Float32Array>) {
    const controller = new AbortController()
    this.#flight = { choices, controller }
    try {
      return await call(controller.signal)
    } catch (error) {
      for (const { task } of choices) this.#options.fail(task, error)
      return undefined
    } finally {
      this.#flight = undefined
    }
  }

  /** @param logits - `[n * v]` of what follows each of the choices */
  async #advanced(choices: readonly Choice[], logits: Float32Array): Promise<void> {
    const width = logits.length / choices.length
    const rows = choices.map((choice, row) => {
      return { choice, branches: choice.branches(), logits: logits.subarray(row * width, (row + 1) * width) }
    })
    for (const { choice, branches, logits } of rows) {
      for (const each of [choice, ...branches]) await this.#accept(each, logits)
    }
    // Only now: the logits are valid until the pool is called again.
    for (const { choice, branches } of rows) {
      this.#attempt(choice, () => this.#branch(choice, branches))
      this.#store(choice)
    }
  }

  async #accept(choice: Choice, logits: Float32Array): Promise<void> {
    const { monitor, now, succeed, fail } = this.#options
    try {
      await choice.ready()
      if (choice.isOver) return
      const gapMs = choice.accept(logits, now())
      if (gapMs !== undefined) monitor.tokenGap(gapMs)
      if (choice.prompt.answersLeft === 0) succeed(choice.task)
    } catch (error) {
      fail(choice.task, error)
    }
  }

  /** Further answers to a prompt that has just been computed: they share its keys and values. */
  #branch(choice: Choice, branches: readonly Choice[]): void {
    const going = branches.filter(({ isOver }) => !isOver)
    const seated = going.filter((branch) => {
      const isFree = this.#seats.hasFree
      if (isFree) this.#seats.branch(choice, branch)
      return isFree
    })
    const late = going.slice(seated.length)
    if (late.length === 0) return
    const saved = this.#seats.save(choice)
    for (const branch of late.reverse()) {
      branch.saved = saved
      this.#options.waiting.pushFront(branch)
    }
  }

  #store(choice: Choice): void {
    const { prefixes, pool } = this.#options
    choice.prefix ??= prefixes?.open(choice.prompt.job) // a branch takes its tokens over from another answer
    this.#attempt(choice, () => {
      const slot = this.#seats.slotOf(choice)
      const ids = choice.ids.subarray(0, pool.lengthTokens(slot))
      choice.prefix?.store(ids, {
        heldFrom: pool.heldFrom(slot),
        save: (from, end) => pool.save(slot, from, end),
      })
    })
  }

  /** A fault in what is done for one choice ends its task and nothing else. */
  #attempt(choice: Choice, action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#options.fail(choice.task, error)
    }
  }
}

/** Whom to send away first. */
function isWorse(a: Choice, b: Choice): boolean {
  return a.priority === b.priority ? a.task.serial > b.task.serial : a.priority > b.priority
}
