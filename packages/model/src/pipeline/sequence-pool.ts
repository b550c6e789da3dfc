import { AppError } from '@loupe/shared/errors'
import { REWIND_TOKENS } from './local-room.ts'
import { checkedBatch, checkedPrompt, checkRange, checkRoom, type PoolLimits } from './pool-arguments.ts'
import { PoolMemory } from './pool-memory.ts'
import { cutPicture, type PoolSlot } from './pool-slot.ts'
import { PART_TOKENS, type PromptPart } from './prompt-tokens.ts'
import { opened, type SavedSequence, type SavedTokens, sealed } from './saved-tokens.ts'
import type { SequenceModel } from './sequence-model.ts'

/** How much a {@link SequencePool} holds. */
export interface PoolSize {
  /** How many sequences. */
  readonly slots: number
  /** The longest that each can become. */
  readonly capacityTokens: number
  /** Most tokens of one run of a prompt, a longer picture aside; 512 by default. Layers with a window have room for as many. */
  readonly partTokens?: number
}

/** Options of one step. */
export interface StepOptions {
  /** Ends the step early with `request.cancelled`. Every sequence is then as long as it was before. */
  readonly signal?: AbortSignal
}

/** Options of {@link SequencePool.prefill}. */
export interface PrefillOptions extends StepOptions {
  /** How many of the last tokens get logits: 1 by default, 0 in the middle of a prompt. */
  readonly logits?: number
}

/** Far more than any machine has use for. */
const MOST_SLOTS = 1024

/**
 * Places for several sequences. Tokens of several are decoded as one batch, and no sequence depends on the others.
 *
 * Memory is reserved once, and committed by the system as it is first used; it stays with the pool. Layers with a window
 * keep the last W - 1 + {@link REWIND_TOKENS} tokens and have room for one run more; other layers keep everything.
 *
 * Calls follow one another: a second one must not begin before the first has ended. One that fails leaves all sequences as
 * they were.
 *
 * On a device with memory of its own, what is cached cannot be moved: there all layers keep everything, sequences are
 * decoded one after the other, and `copy`, `save`, `restore`, `copyOut` and `copyIn` throw `request.unsupported`.
 */
export class SequencePool implements Disposable {
  /** How many sequences. */
  readonly slots: number
  /** The longest that each can become. */
  readonly capacityTokens: number
  readonly #limits: PoolLimits
  readonly #memory: PoolMemory
  readonly #logits: Float32Array
  #isRunning = false

  /** @throws AppError `prompt.too_long` when slots are longer than what the model was trained for; `request.invalid` */
  constructor(model: SequenceModel, { slots, capacityTokens, ...size }: PoolSize) {
    const { config } = model
    const { contextTokens, vocabSize } = config.text
    const { partTokens = Math.min(PART_TOKENS, contextTokens) } = size
    if (!Number.isInteger(capacityTokens) || capacityTokens < 1 || capacityTokens > contextTokens) {
      const expected = `Expected a capacity of 1 to ${contextTokens} tokens`
      throw new AppError('prompt.too_long', `${expected}, found ${capacityTokens}.`)
    }
    checkRange('slots', slots, 1, MOST_SLOTS)
    checkRange('part_tokens', partTokens, 1, contextTokens)
    this.slots = slots
    this.capacityTokens = capacityTokens
    this.#limits = { config, capacityTokens, partTokens }
    this.#memory = new PoolMemory(model, { slots, capacityTokens, partTokens })
    this.#logits = new Float32Array(vocabSize * Math.max(slots, REWIND_TOKENS + 1))
  }

  /**
   * Tokens of a slot whose keys and values are cached.
   *
   * @throws AppError `request.invalid` when there is no such slot
   */
  lengthTokens(slot: number): number {
    return this.#memory.slot(slot).length
  }

  /** Whether what is cached can be moved. */
  get isMovable(): boolean {
    return this.#memory.isMovable
  }

  /**
   * The first token of a slot that `save` can give: layers with a window let go of what they will never see again.
   *
   * @throws AppError `request.invalid` when there is no such slot
   */
  heldFrom(slot: number): number {
    return this.#memory.slot(slot).base
  }

  /**
   * Appends a prompt to one slot, or the next part of one. A picture must be whole within one part.
   *
   * @param inputIds - `[t]`, at least one
   * @param imageFeatures - `[m·d]` of each picture in these ids, in order
   * @returns logits of the last l tokens, `[l·v]`; overwritten by the next step
   * @throws AppError `prompt.too_long`, `prompt.invalid`, `prompt.invalid_token`, `image.count_mismatch`,
   *   `tensor.invalid`, `request.invalid`, `request.cancelled`; `request.unsupported` when pictures without anything
   *   between them are longer than what layers with a window have room for
   */
  async prefill(
    slot: number,
    inputIds: Int32Array,
    imageFeatures: readonly Float32Array[],
    { logits = 1, signal }: PrefillOptions = {},
  ): Promise<Float32Array> {
    const own = this.#memory.slot(slot)
    const parts = checkedPrompt(own, inputIds, imageFeatures, this.#limits)
    checkRange('logits', logits, 0, inputIds.length)
    for (const { ids } of parts) this.#memory.checkRun(ids.length)
    return this.#exclusively(async () => {
      const undo = parts.length === 1 ? () => {} : this.#memory.checkpoint(own, inputIds.length)
      const result = this.#logitsOf(logits)
      try {
        await this.#appendParts(own, parts, result, signal)
        return result
      } catch (error) {
        undo()
        throw error
      }
    })
  }

  /**
   * Appends one token of text to each of these slots, as one batch.
   *
   * @param slots - each once, and none of them empty
   * @param tokenIds - `[n]`, one for each slot
   * @returns logits of what follows, `[n·v]` in the order given; overwritten by the next step
   * @throws AppError `prompt.too_long`, `prompt.invalid_token`, `image.count_mismatch`, `request.invalid`,
   *   `request.cancelled`
   */
  async decode(slots: readonly number[], tokenIds: Int32Array, { signal }: StepOptions = {}): Promise<Float32Array> {
    const own = slots.map((slot) => this.#memory.slot(slot))
    const tokens = checkedBatch(own, tokenIds, this.#limits)
    return this.#exclusively(async () => {
      const result = this.#logitsOf(slots.length)
      await this.#memory.decode(tokens, result, signal)
      return result
    })
  }

  /**
   * Forgets the tokens from this length on, as of a draft that was rejected.
   *
   * @param lengthTokens - 0, which empties the slot; else at most {@link REWIND_TOKENS} less than it has had. While layers
   *   with a window have everything, any length will do
   * @throws AppError `request.invalid` when that is too far back, or behind the end; `image.count_mismatch` inside of a
   *   picture
   */
  truncate(slot: number, lengthTokens: number): void {
    this.#assertIdle()
    const own = this.#memory.slot(slot)
    checkRange('length', lengthTokens, 0, own.length)
    this.#memory.checkBack(own, lengthTokens)
    own.cut(lengthTokens)
  }

  /**
   * Copies a whole sequence to an empty slot.
   *
   * @throws AppError `request.invalid` when that slot is not empty; `request.unsupported`
   */
  copy(from: number, to: number): void {
    const [source, target] = [this.#movable(from), this.#movable(to)]
    checkEmpty(target)
    this.#memory.copy(source, target)
  }

  /**
   * A copy of the keys and values of the tokens from `from` up to `end`, for a cache of prefixes. They are of use behind
   * the same tokens only.
   *
   * @throws AppError `request.invalid` when layers with a window no longer have them; `request.unsupported`
   */
  save(slot: number, from: number, end: number): SavedTokens {
    const own = this.#movable(slot)
    checkRange('end', end, 1, own.length)
    checkRange('from', from, own.base, end - 1)
    return sealed(this.#memory.save(own, { from, end }))
  }

  /**
   * Appends stretches to a slot as if their tokens had been prefilled. Layers with a window take what can still be seen.
   *
   * @param saved - by a pool of the same model; the first begins where the slot ends, each other where the one before ended
   * @throws AppError `request.invalid` when they do not; `prompt.too_long`; `image.count_mismatch` when they end inside of
   *   a picture; `request.unsupported`
   */
  restore(slot: number, saved: readonly SavedTokens[]): void {
    const own = this.#movable(slot)
    const stretches = saved.map(opened)
    let end = own.length
    for (const { fromToken, tokens } of stretches) {
      checkRange('saved tokens begin', fromToken, end, end)
      end += tokens
    }
    checkRoom(own, end - own.length, this.capacityTokens)
    if (stretches.at(-1)?.isCut) throw cutPicture()
    this.#memory.checkFits(stretches)
    this.#memory.restore(own, stretches)
  }

  /**
   * A copy of everything that a slot holds.
   *
   * @throws AppError `request.invalid` when it is empty; `request.unsupported`
   */
  copyOut(slot: number): SavedSequence {
    const own = this.#movable(slot)
    checkRange('tokens to copy', own.length, 1, this.capacityTokens)
    return sealed(this.#memory.saveAll(own))
  }

  /**
   * Puts a sequence into an empty slot.
   *
   * @param saved - by a pool of the same model
   * @throws AppError `request.invalid` when the slot is not empty; `prompt.too_long`; `request.unsupported`
   */
  copyIn(slot: number, saved: SavedSequence): void {
    const own = this.#movable(slot)
    const all = opened(saved)
    checkEmpty(own)
    checkRange('saved tokens begin', all.fromToken, 0, 0)
    checkRoom(own, all.tokens, this.capacityTokens)
    this.#memory.checkFits([all])
    this.#memory.restore(own, [all])
  }

  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]()
  }

  async #appendParts(
    slot: PoolSlot,
    parts: readonly PromptPart[],
    logits: Float32Array,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { vocabSize } = this.#limits.config.text
    const tokens = parts.reduce((sum, { ids }) => sum + ids.length, 0)
    const firstWanted = tokens - logits.length / vocabSize
    let start = 0
    for (const part of parts) {
      const end = start + part.ids.length
      const from = Math.min(Math.max(start, firstWanted), end)
      const logitRows = Array.from({ length: end - from }, (_, index) => from - start + index)
      const before = Math.max(0, from - firstWanted) * vocabSize
      const own = logits.subarray(before, before + logitRows.length * vocabSize)
      await this.#memory.append(slot, part, { logitRows, logits: own, signal })
      start = end
    }
  }

  /** Memory for logits, `[l·v]`: the same for every step, unless it is a prompt that wants those of many tokens. */
  #logitsOf(count: number): Float32Array {
    const length = count * this.#limits.config.text.vocabSize
    return length <= this.#logits.length ? this.#logits.subarray(0, length) : new Float32Array(length)
  }

  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    this.#assertIdle()
    this.#isRunning = true
    try {
      return await work()
    } finally {
      this.#isRunning = false
    }
  }

  #assertIdle(): void {
    if (this.#isRunning) throw new AppError('runtime.failed', 'Expected an idle pool, found one that is running.')
  }

  /** A slot of which something is copied. */
  #movable(slot: number): PoolSlot {
    this.#assertIdle()
    if (this.#memory.isMovable) return this.#memory.slot(slot)
    throw new AppError(
      'request.unsupported',
      'Expected a cache in host memory to copy from or to, found another device.',
    )
  }
}

function checkEmpty({ length }: PoolSlot): void {
  if (length > 0) throw new AppError('request.invalid', `Expected an empty slot, found one of ${length} tokens.`)
}
