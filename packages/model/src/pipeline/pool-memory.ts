import { AppError } from '@loupe/shared/errors'
import type { SlotRange } from '../gemma3/key-value-cache.ts'
import type { Step } from './language-model.ts'
import { LocalRoom } from './local-room.ts'
import { cutPicture, PoolSlot } from './pool-slot.ts'
import { decodeStep, promptStep } from './pool-steps.ts'
import type { PromptPart } from './prompt-tokens.ts'
import type { Saved } from './saved-tokens.ts'
import type { SequenceModel } from './sequence-model.ts'
import { StageChain } from './stage-chain.ts'

/** What a step gives, and how it ends early. */
interface PartLogits {
  /** `[l]` which of its tokens get logits */
  readonly logitRows: readonly number[]
  /** `[l·v]`, written */
  readonly logits: Float32Array
  readonly signal: AbortSignal | undefined
}

/** How much a {@link PoolMemory} holds. */
export interface PoolMemorySize {
  readonly slots: number
  /** Of each slot. */
  readonly capacityTokens: number
  /** Most tokens that come at once, a longer picture aside. */
  readonly partTokens: number
}

/** The caches of a pool: of layers that see everything, all tokens; of layers with a window, what {@link LocalRoom} says. */
export class PoolMemory implements Disposable {
  /** Whether what is cached can be moved. */
  readonly isMovable: boolean
  readonly #imageTokenId: number
  readonly #room: LocalRoom
  /** In the order of their numbers. */
  readonly #slots: readonly PoolSlot[]
  readonly #byRow: PoolSlot[]
  /** One for all slots, or where they cannot be moved one for each. */
  readonly #chains: readonly StageChain[]
  /** Image blocks of a batch that has none. */
  readonly #noImages: Int32Array

  constructor(model: SequenceModel, { slots, capacityTokens, partTokens }: PoolMemorySize) {
    this.isMovable = model.stages.every((stage) => stage.movesCache)
    this.#imageTokenId = model.config.imageTokenId
    this.#room = new LocalRoom(model.config, { capacityTokens, partTokens, isMovable: this.isMovable })
    const rows = this.isMovable ? slots : 1
    // For what a row writes that takes part in a batch without a token of its own.
    const spare = rows > 1 ? 1 : 0
    const size = { rows, slots: { local: this.#room.tokens + spare, global: capacityTokens + spare } }
    this.#chains = Array.from({ length: slots / rows }, () => new StageChain(model, size))
    this.#slots = Array.from({ length: slots }, (_, slot) => new PoolSlot(slot, capacityTokens))
    this.#byRow = [...this.#slots]
    this.#noImages = new Int32Array(rows * (capacityTokens + 1))
  }

  /** @throws AppError `request.invalid` when there is no such slot */
  slot(slot: number): PoolSlot {
    const found = this.#slots[slot]
    if (found !== undefined) return found
    const expected = `slot: expected a whole number below ${this.#slots.length}`
    throw new AppError('request.invalid', `${expected}, found ${slot}.`)
  }

  /** As {@link LocalRoom.checkRun}. */
  checkRun(tokens: number): void {
    this.#room.checkRun(tokens)
  }

  /** As {@link LocalRoom.checkBack}. @throws AppError `image.count_mismatch` inside of a picture */
  checkBack(slot: PoolSlot, length: number): void {
    if (slot.isInsidePicture(length)) throw cutPicture()
    this.#room.checkBack(slot, length)
  }

  /**
   * Checks that stretches were saved from caches like these.
   *
   * @throws AppError `request.invalid`
   */
  checkFits(stretches: readonly Saved[]): void {
    const [chain] = this.#chains
    if (stretches.every(({ stages }) => chain?.canWrite(stages))) return
    throw new AppError('request.invalid', 'Expected what was saved of this model, found what was saved of another.')
  }

  /** Appends a part of a prompt to a slot. @param logits - `[l·v]`, written */
  async append(slot: PoolSlot, part: PromptPart, { logits, logitRows, signal }: PartLogits): Promise<void> {
    this.#makeRoom(slot, part.ids.length)
    const step = promptStep(slot, part, this.#imageTokenId)
    await this.#run(slot, { ...step, logitRows }, logits, signal)
    slot.append(part.ids.map((id) => Number(id === this.#imageTokenId)))
  }

  /** Computes one token in each of some slots. @param logits - `[n·v]`, written in the order of the tokens */
  async decode(
    tokens: ReadonlyMap<PoolSlot, number>,
    logits: Float32Array,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (const slot of tokens.keys()) this.#makeRoom(slot, 1)
    const batches = this.isMovable ? [tokens] : [...tokens].map((token) => new Map([token]))
    const width = logits.length / batches.length
    for (const [index, batch] of batches.entries()) {
      const rows = this.#rowsOf(batch)
      const [first] = rows
      const step = decodeStep(rows, batch, this.#noImages)
      if (first !== undefined) await this.#run(first, step, logits.subarray(index * width, (index + 1) * width), signal)
    }
    for (const slot of tokens.keys()) slot.append([0])
  }

  /** Copies what a slot holds to an empty one. */
  copy(from: PoolSlot, to: PoolSlot): void {
    const { length, base } = from
    this.#chainOf(from).copyRow(from.row, to.row, { local: length - base, global: length })
    to.keepFrom(base)
    to.append(from.pictures())
  }

  /**
   * Copies tokens out.
   *
   * @param localFrom - the first that layers with a window have to give
   */
  save(slot: PoolSlot, { from, end }: SlotRange, localFrom = from): Saved {
    const { base, row } = slot
    const stages = this.#chainOf(slot).read(row, {
      local: { from: localFrom - base, end: end - base },
      global: { from, end },
    })
    const bytes = stages.reduce((sum, stage) => sum + stage.bytes.byteLength, 0)
    const isCut = slot.isInsidePicture(end)
    return { fromToken: from, tokens: end - from, bytes, localFrom, stages, pictures: slot.pictures(from, end), isCut }
  }

  /** Saves all of a slot that any token to come can see. */
  saveAll(slot: PoolSlot): Saved {
    return this.save(slot, { from: 0, end: slot.length }, this.#room.keptFrom(slot))
  }

  /** Appends stretches that follow one another. */
  restore(slot: PoolSlot, stretches: readonly Saved[]): void {
    const { length } = slot
    const end = stretches.reduce((sum, { tokens }) => sum + tokens, length)
    const oldest = length === 0 ? (stretches[0]?.localFrom ?? 0) : slot.base
    const base = this.#room.holds(end - oldest) ? oldest : this.#room.keptFrom({ length: end, base: oldest })
    if (base > slot.base && base < length) {
      this.#chainOf(slot).moveToFront(slot.row, { from: base - slot.base, end: length - slot.base })
    }
    slot.keepFrom(base)
    for (const saved of stretches) this.#write(slot, saved)
  }

  /**
   * Remembers what a slot holds before several steps append to it.
   *
   * @param tokens - how many they are in all
   * @returns what goes back to it
   */
  checkpoint(slot: PoolSlot, tokens: number): () => void {
    const { length, base } = slot
    // The first step leaves all that can be gone back to; those behind it do not.
    const isOverwritten = length > 0 && !this.#room.holds(length + tokens - base)
    const saved = isOverwritten ? this.save(slot, { from: length, end: length }, this.#room.keptFrom(slot)) : undefined
    return () => {
      slot.cut(length)
      if (saved === undefined) return
      slot.keepFrom(saved.localFrom)
      this.#write(slot, saved)
    }
  }

  [Symbol.dispose](): void {
    for (const chain of this.#chains) chain[Symbol.dispose]()
  }

  /** Computes a step whose first row is a slot's. @param logits - `[l·v]`, written */
  async #run(slot: PoolSlot, step: Step, logits: Float32Array, signal: AbortSignal | undefined): Promise<void> {
    await this.#chainOf(slot).run(step, logits, { firstRow: this.isMovable ? slot.row : 0, signal })
  }

  /** Makes room for more tokens where layers with a window have no slots left. */
  #makeRoom(slot: PoolSlot, tokens: number): void {
    const { length, base, row } = slot
    if (!this.#room.moves(slot, tokens)) return
    const from = this.#room.keptFrom(slot)
    this.#chainOf(slot).moveToFront(row, { from: from - base, end: length - base })
    slot.keepFrom(from)
  }

  /** Writes one stretch behind what a slot holds. */
  #write(slot: PoolSlot, { stages, tokens, pictures, localFrom }: Saved): void {
    const { length, base } = slot
    const end = length + tokens
    const from = Math.min(Math.max(base, localFrom), end)
    this.#chainOf(slot).write(slot.row, stages, {
      local: { slot: Math.max(0, from - base), from: from - localFrom, end: end - localFrom },
      global: { slot: length, from: 0, end: tokens },
    })
    slot.append(pictures)
  }

  #chainOf(slot: PoolSlot): StageChain {
    const chain = this.#chains[this.isMovable ? 0 : slot.row]
    if (chain === undefined) throw new AppError('internal', `There are no caches for row ${slot.row}.`)
    return chain
  }

  /**
   * Slots whose rows follow one another, with all that have a token among them. Empty rows in between are filled from the
   * end, since each of them costs as much as one with a token.
   */
  #rowsOf(tokens: ReadonlyMap<PoolSlot, number>): PoolSlot[] {
    for (;;) {
      const wanted = [...tokens.keys()].toSorted((a, b) => a.row - b.row)
      const [first = 0, last = 0] = [wanted[0]?.row, wanted.at(-1)?.row]
      const rows = this.#byRow.slice(first, last + 1)
      const [empty, outermost] = [rows.find(({ length }) => length === 0), wanted.at(-1)]
      if (empty === undefined || outermost === undefined) return rows
      this.#moveTo(empty, outermost)
    }
  }

  /** Exchanges the rows of an empty slot and another. */
  #moveTo(empty: PoolSlot, slot: PoolSlot): void {
    const { row, length, base } = slot
    this.#chainOf(slot).copyRow(row, empty.row, { local: length - base, global: length })
    slot.row = empty.row
    empty.row = row
    this.#byRow[slot.row] = slot
    this.#byRow[empty.row] = empty
  }
}
