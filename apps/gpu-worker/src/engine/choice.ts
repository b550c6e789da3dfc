import { createStopCheck, type FinishReason, type Sampler } from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import type { Drafter } from './drafter.ts'
import type { QueueItem } from './fair-queue.ts'
import type { SavedSequence } from './model.ts'
import type { PrefixChain } from './prefix-cache.ts'
import type { Prompt } from './prompt.ts'
import type { Task } from './task.ts'

/** One answer while it is made: the tokens of its prompt and its own, and what to do with the next logits. */
export class Choice implements QueueItem {
  readonly prompt: Prompt
  /** Which answer to the prompt it is, from 0. */
  readonly index: number
  /** What is left to do of it, at the time when it began to wait. */
  tokens: number
  /** Keys and values of its tokens while it has no slot. */
  saved: SavedSequence | undefined
  /** Who guesses how it goes on. */
  drafter: Drafter | undefined
  /** What the cache of prefixes knows of it. */
  prefix: PrefixChain | undefined
  /** Prompt tokens that were not computed. */
  cachedTokens = 0
  readonly #sampler: Sampler
  readonly #check: (id: number, made: number) => { isEmitted: boolean; finishReason: FinishReason | undefined }
  readonly #ids: Int32Array
  #length: number
  #made = 0
  #isDone = false
  #lastTokenMs: number | undefined

  constructor(prompt: Prompt, index: number) {
    const { inputIds, samplers, stop } = prompt.job
    const sampler = samplers[index]
    if (sampler === undefined) throw new AppError('internal', `There is no sampler for choice ${index}.`)
    this.prompt = prompt
    this.index = index
    this.#sampler = sampler
    this.#check = createStopCheck(stop)
    this.#ids = new Int32Array(inputIds.length + stop.maxTokens)
    this.#ids.set(inputIds)
    this.#length = inputIds.length
    this.tokens = index === 0 ? jobTokens(prompt.job) : stop.maxTokens
  }

  get task(): Task {
    return this.prompt.task
  }

  get tenant(): string {
    return this.task.tenant
  }

  get priority(): number {
    return this.task.priority
  }

  /** Tokens that are known: the prompt, and what was chosen so far except the token that ended the answer. */
  get ids(): Int32Array {
    return this.#ids.subarray(0, this.#length)
  }

  /** Whether its first token has been chosen. */
  get hasBegun(): boolean {
    return this.#made > 0
  }

  /** Tokens of its longest form. */
  get mostTokens(): number {
    return this.#ids.length
  }

  /** Whether it needs no slot any more. */
  get isOver(): boolean {
    return this.task.isSettled || this.#isDone
  }

  /** Resolves when `accept` may be called; `undefined` if it may be called now. @throws what the sampler throws */
  ready(): Promise<void> | undefined {
    return this.#sampler.ready()
  }

  /** Looks at the pictures of its prompt. @throws the reason of the task's signal, or what the vision tower reports */
  look(): Promise<void> {
    return this.prompt.look()
  }

  /**
   * Chooses the next token and tells it.
   *
   * @param logits - `[v]` after all tokens that are known; `ready` has resolved
   * @returns time between this token of the answer and the one before
   * @throws what the sampler throws: logits that are no numbers
   */
  accept(logits: Float32Array, nowMs: number): number | undefined {
    const token = this.#sampler.next(logits, this.#made)
    const { isEmitted, finishReason } = this.#check(token.id, this.#made)
    if (isEmitted) {
      this.#sampler.accept(token.id)
      const { cachedTokens } = this
      const event = { type: 'token', choice: this.index, ...token } as const
      this.prompt.emit(this.#made === 0 ? { ...event, cachedTokens } : event)
    }
    this.#made++
    if (finishReason === undefined) this.#ids[this.#length++] = token.id
    else this.#finish(finishReason)
    const sinceLastMs = isEmitted && this.#lastTokenMs !== undefined ? nowMs - this.#lastTokenMs : undefined
    this.#lastTokenMs = nowMs
    return sinceLastMs
  }

  /** The other answers to its prompt, when the prompt has just been computed: none of them has a token yet. */
  branches(): readonly Choice[] {
    if (this.index > 0 || this.hasBegun) return []
    const others = this.prompt.job.samplers.slice(1)
    return others.map((_, index) => {
      const branch = new Choice(this.prompt, index + 1)
      branch.cachedTokens = this.cachedTokens
      return branch
    })
  }

  #finish(finishReason: FinishReason): void {
    this.#isDone = true
    this.prompt.emit({ type: 'done', choice: this.index, finishReason, cachedTokens: this.cachedTokens })
  }
}

/** What a job counts for in the queue: its prompt, and the longest form of each of its answers. */
export function jobTokens({ inputIds, samplers, stop }: Prompt['job']): number {
  return inputIds.length + samplers.length * stop.maxTokens
}
