import { setImmediate } from 'node:timers/promises'
import type { Choice } from './choice.ts'
import { Chooser, type ChooserOptions } from './chooser.ts'
import { chunkEnd } from './chunk-end.ts'
import type { Speculator } from './drafter.ts'
import type { FairQueue } from './fair-queue.ts'
import type { ModelPool } from './model.ts'
import type { PrefixCache } from './prefix-cache.ts'
import { Seats } from './seats.ts'
import { Usher } from './usher.ts'
import type { Waiting } from './waiting.ts'

/** What a {@link Batch} is made of. */
export interface BatchOptions extends ChooserOptions {
  readonly pool: ModelPool
  /** Where sequences come from, and where those go back to that had to give up their slot. */
  readonly waiting: FairQueue<Waiting>
  /** Most tokens of prompts that one step computes; a picture is never cut. */
  readonly chunkTokens: number
  readonly imageTokenId: number
  readonly prefixes: PrefixCache | undefined
  readonly speculator: Speculator | undefined
}

/** Choosing from large vocabularies takes time; whatever else the process has to do gets a turn as often as this. */
const SLICE_MS = 5
/** What a pool can always forget again. */
const MOST_DRAFTED = 15

/**
 * The sequences that have a slot. A step gives each of them that answers one more token, all in one run of the model, and
 * computes a chunk of the prompts of the others: nobody waits for somebody else's prompt by more than a chunk.
 */
export class Batch {
  readonly #options: BatchOptions
  readonly #seats: Seats
  readonly #usher: Usher
  readonly #chooser: Chooser
  /** When each sequence last computed a chunk of its prompt: they take turns. */
  readonly #turns = new WeakMap<Choice, number>()
  #turn = 0
  /** The call of the pool that runs, and for whom. */
  #flight: { readonly choices: readonly Choice[]; readonly controller: AbortController } | undefined

  constructor(options: BatchOptions) {
    this.#options = options
    this.#seats = new Seats(options.pool)
    const { waiting, monitor } = options
    this.#usher = new Usher({ seats: this.#seats, waiting, onPreempted: () => monitor.preempted() })
    this.#chooser = new Chooser(options)
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
    this.#usher.seat()
    this.#chooser.wake()
  }

  /** Some task ended. A call of the pool that nobody waits for any more is given up; one that others share goes on. */
  leave(reason: unknown): void {
    if (this.#flight?.choices.every(({ isOver }) => isOver)) this.#flight.controller.abort(reason)
    this.#chooser.wake()
  }

  /** Lets the finished go and the waiting in, between two steps. @returns whether there is a step to do */
  arrange(): boolean {
    for (const choice of this.#seats.occupants) if (choice.isOver) this.#seats.free(choice)
    this.#usher.seat()
    this.#usher.makeRoom()
    for (const choice of this.#seats.occupants) {
      this.#attempt(choice, () => this.#settle(choice))
    }
    return this.#seats.size > 0
  }

  /** One token for everybody who answers, and a chunk of prompt. Does not throw: faults end those whom they befall. */
  async step(): Promise<void> {
    const { monitor, now } = this.#options
    const startedMs = now()
    const { sequences, decoded } = await this.#decode()
    const prefilled = await this.#prefill()
    if (decoded + prefilled > 0) monitor.step({ sequences, decoded, prefilled, elapsedMs: now() - startedMs })
    else await this.#chooser.change() // all who are here wait for their samplers, or have gone
  }

  #settle(choice: Choice): void {
    if (!this.#seats.settle(choice)) return
    const { pool, prefixes } = this.#options
    choice.prefix ??= prefixes?.open(choice.prompt.job)
    if (choice.prefix === undefined || this.#seats.lengthOf(choice) > 0) return
    pool.restore(this.#seats.slotOf(choice), choice.prefix.match())
    choice.cachedTokens = this.#seats.lengthOf(choice)
  }

  async #decode(): Promise<{ readonly sequences: number; readonly decoded: number }> {
    const { pool, speculator, now } = this.#options
    const choices = this.#seats.occupants.filter((choice) => this.#isAnswering(choice))
    const [choice] = choices
    if (choice === undefined) return { sequences: 0, decoded: 0 }
    const draft = this.#draft(choice)
    if (draft.length > 0) return { sequences: 1, decoded: await this.#verify(choice, draft) }
    const slots = choices.map((choice) => this.#seats.slotOf(choice))
    const tokenIds = Int32Array.from(choices, ({ ids }) => ids[ids.length - 1] ?? 0)
    const startedMs = now()
    const logits = await this.#call(choices, (signal) => pool.decode(slots, tokenIds, { signal }))
    if (logits === undefined) return { sequences: 0, decoded: 0 }
    if (choices.length === 1) speculator?.timed(1, now() - startedMs)
    await this.#advanced(choices, logits)
    return { sequences: choices.length, decoded: choices.length }
  }

  /** How an answer may go on that is alone: others would wait for its guesses. */
  #draft(choice: Choice): Int32Array {
    const { speculator, imageTokenId } = this.#options
    const most = Math.min(MOST_DRAFTED, choice.mostTokens - choice.ids.length - 1)
    if (speculator === undefined || most < 1 || !choice.hasBegun || this.#seats.size > 1) return new Int32Array()
    choice.drafter ??= speculator.open()
    const draft = choice.drafter.propose(choice.ids, most)
    const picture = draft.indexOf(imageTokenId)
    return picture < 0 ? draft : draft.subarray(0, picture)
  }

  /** Computes a draft in one run, and keeps of it what is chosen anyway, token by token. @returns tokens chosen */
  async #verify(choice: Choice, draft: Int32Array): Promise<number> {
    const { pool, speculator, now } = this.#options
    const slot = this.#seats.slotOf(choice)
    const from = choice.ids.length
    const ids = Int32Array.of(choice.ids[from - 1] ?? 0, ...draft)
    const startedMs = now()
    const logits = await this.#call([choice], (signal) => pool.prefill(slot, ids, [], { logits: ids.length, signal }))
    if (logits === undefined) return 0
    speculator?.timed(ids.length, now() - startedMs)
    const width = logits.length / ids.length
    let kept = 0
    for (; ; kept++) {
      this.#chooser.choose(choice, logits.subarray(kept * width, (kept + 1) * width))
      if (choice.isOver || kept === draft.length || choice.ids[from + kept] !== draft[kept]) break
    }
    choice.drafter?.judged(draft.length, kept)
    this.#attempt(choice, () => pool.truncate(slot, from + kept))
    this.#store(choice)
    return kept + 1
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
    return this.#isActive(choice) && length > 0 && choice.ids.length - length === 1
  }

  #isActive(choice: Choice): boolean {
    return this.#seats.isSettled(choice) && !choice.isOver && !this.#chooser.isThinking(choice)
  }

  /** Of those with a prompt to compute the most important; of equal ones that which has waited longest. */
  #whoseTurn(): Choice | undefined {
    const rank = (choice: Choice) => this.#turns.get(choice) ?? 0
    const eager = this.#seats.occupants.filter((choice) => {
      return this.#isActive(choice) && !this.#isAnswering(choice)
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
    const { now } = this.#options
    const width = logits.length / choices.length
    const rows = choices.map((choice, row) => {
      return { choice, branches: choice.branches(), logits: logits.subarray(row * width, (row + 1) * width) }
    })
    let sliceMs = now()
    for (const { choice, branches, logits } of rows) {
      for (const each of [choice, ...branches]) this.#chooser.choose(each, logits)
      if (now() - sliceMs < SLICE_MS) continue
      await setImmediate()
      sliceMs = now()
    }
    // Only now: the logits are valid until the pool is called again.
    for (const { choice, branches } of rows) {
      const going = branches.filter(({ isOver }) => !isOver)
      this.#attempt(choice, () => this.#usher.branch(choice, going))
      this.#store(choice)
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
