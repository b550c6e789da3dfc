import { AppError } from '@loupe/shared/errors'
import type { ModelPool, PoolCallOptions, PoolSize, SavedSequence, SavedTokens } from '../engine/model.ts'

/** What a {@link FakePool} computes with. */
export interface FakePoolOptions extends PoolSize {
  readonly imageTokenId: number
  readonly tokensPerImage: number
  /**
   * Logits after some tokens. A place of a picture is the image token plus a thousand times the first feature of it.
   *
   * @param answered - how many rows of logits the sequence has had before
   */
  readonly next: (tokens: readonly number[], answered: number) => Float32Array
  /** Awaited by every call. */
  readonly step: (step: 'prefill' | 'decode', signal: AbortSignal | undefined) => Promise<void>
  /** Whether its memory can be moved. */
  readonly isMovable: boolean
  /** How many of the last tokens of a sequence can be saved. */
  readonly keptTokens: number
}

interface Held {
  readonly tokens: readonly number[]
  readonly answered: number
}

const EMPTY: Held = { tokens: [], answered: 0 }
const REWIND_TOKENS = 16

/**
 * A pool without weights. It behaves as the real one does, fails on every misuse, and spoils the logits it gave with the
 * next call.
 */
export class FakePool implements ModelPool {
  readonly slots: number
  readonly capacityTokens: number
  isDisposed = false
  /** Slots of each batch that was decoded. */
  readonly batches: (readonly number[])[] = []
  /** What each prefill appended, and where. */
  readonly chunks: { readonly slot: number; readonly from: number; readonly ids: Int32Array }[] = []
  readonly #options: FakePoolOptions
  readonly #held: Held[]
  #isBusy = false
  #given: Float32Array | undefined

  constructor(options: FakePoolOptions) {
    this.slots = options.slots
    this.capacityTokens = options.capacityTokens
    this.#options = options
    this.#held = Array.from({ length: options.slots }, () => EMPTY)
  }

  get isMovable(): boolean {
    return this.#options.isMovable
  }

  lengthTokens(slot: number): number {
    return this.#at(slot).tokens.length
  }

  heldFrom(slot: number): number {
    return Math.max(0, this.#at(slot).tokens.length - this.#options.keptTokens)
  }

  /** Slots that hold anything. */
  get heldSlots(): number {
    return this.#held.filter(({ tokens }) => tokens.length > 0).length
  }

  async prefill(
    slot: number,
    inputIds: Int32Array,
    imageFeatures: readonly Float32Array[],
    { logits: rows = 1, signal }: PoolCallOptions & { readonly logits?: number } = {},
  ): Promise<Float32Array> {
    const { tokens, answered } = this.#at(slot)
    const added = this.#withPictures(inputIds, imageFeatures, tokens)
    this.chunks.push({ slot, from: tokens.length, ids: inputIds.slice() })
    return this.#call('prefill', signal, () => {
      const all = [...tokens, ...added]
      const logits = Array.from({ length: rows }, (_, row) => {
        return this.#options.next(all.slice(0, all.length - rows + 1 + row), answered + row)
      })
      this.#set(slot, { tokens: all, answered: answered + rows })
      return logits
    })
  }

  async decode(
    slots: readonly number[],
    tokenIds: Int32Array,
    { signal }: PoolCallOptions = {},
  ): Promise<Float32Array> {
    check(slots.length > 0 && slots.length === tokenIds.length, 'a batch has one token for each of its slots')
    check(new Set(slots).size === slots.length, 'a slot is in a batch once')
    check(!tokenIds.includes(this.#options.imageTokenId), 'a batch holds text')
    for (const slot of slots) check(this.#at(slot).tokens.length > 0, `slot ${slot} holds a prompt`)
    this.batches.push(slots)
    return this.#call('decode', signal, () =>
      slots.map((slot, row) => {
        const { tokens, answered } = this.#at(slot)
        const all = [...tokens, tokenIds[row] ?? 0]
        this.#set(slot, { tokens: all, answered: answered + 1 })
        return this.#options.next(all, answered)
      }),
    )
  }

  truncate(slot: number, lengthTokens: number): void {
    this.#touch()
    const { tokens, answered } = this.#at(slot)
    const isRewind = lengthTokens <= tokens.length && tokens.length - lengthTokens <= REWIND_TOKENS
    check(lengthTokens === 0 || isRewind, `${tokens.length} tokens can become ${lengthTokens}`)
    const forgotten = tokens.length - lengthTokens // each was part of a draft, and had logits of its own
    const left = { tokens: tokens.slice(0, lengthTokens), answered: answered - forgotten }
    this.#set(slot, lengthTokens === 0 ? EMPTY : left)
  }

  copy(from: number, to: number): void {
    this.#move()
    check(this.#at(to).tokens.length === 0, `slot ${to} is empty`)
    this.#set(to, this.#at(from))
  }

  save(slot: number, from: number, end: number): SavedTokens {
    this.#move()
    const { tokens } = this.#at(slot)
    const isHeld = from >= this.heldFrom(slot) && from < end && end <= tokens.length
    check(isHeld, `[${from}, ${end}) is in the last of ${tokens.length} tokens`)
    return { fromToken: from, tokens: end - from, bytes: 8 * (end - from), ids: tokens.slice(from, end) } as SavedTokens
  }

  restore(slot: number, saved: readonly SavedTokens[]): void {
    this.#move()
    for (const stretch of saved) {
      const { tokens, answered } = this.#at(slot)
      check(stretch.fromToken === tokens.length, `a stretch begins at ${tokens.length}`)
      this.#set(slot, { tokens: [...tokens, ...idsOf(stretch)], answered })
    }
  }

  copyOut(slot: number): SavedSequence {
    this.#move()
    const held = this.#at(slot)
    check(held.tokens.length > 0, `slot ${slot} holds something`)
    return { tokens: held.tokens.length, bytes: 8 * held.tokens.length, held } as SavedSequence
  }

  copyIn(slot: number, saved: SavedSequence): void {
    this.#move()
    check(this.#at(slot).tokens.length === 0, `slot ${slot} is empty`)
    check('held' in saved, 'what comes back is what was taken out')
    this.#set(slot, saved.held as Held) // `copyOut` put it there
  }

  [Symbol.dispose](): void {
    check(!this.#isBusy, 'nothing runs when the pool goes')
    this.isDisposed = true
  }

  async #call(
    step: 'prefill' | 'decode',
    signal: AbortSignal | undefined,
    compute: () => readonly Float32Array[],
  ): Promise<Float32Array> {
    this.#touch()
    this.#isBusy = true
    try {
      await this.#options.step(step, signal)
      const rows = compute()
      const width = rows[0]?.length ?? 0
      this.#given = new Float32Array(rows.length * width)
      for (const [row, logits] of rows.entries()) this.#given.set(logits, row * width)
      return this.#given
    } finally {
      this.#isBusy = false
    }
  }

  #withPictures(ids: Int32Array, features: readonly Float32Array[], before: readonly number[]): number[] {
    const { imageTokenId, tokensPerImage } = this.#options
    check(ids.length > 0, 'a prompt has a token')
    check(ids[0] !== imageTokenId || (before.at(-1) ?? 0) < 1000, 'a picture is whole in one call')
    const places = ids.filter((id) => id === imageTokenId).length
    check(places === features.length * tokensPerImage, `${features.length} pictures fill ${places} places`)
    let place = 0
    return Array.from(ids, (id) => {
      if (id !== imageTokenId) return id
      const feature = features[Math.floor(place++ / tokensPerImage)]?.[0] ?? 0
      return id + 1000 * (1 + feature)
    })
  }

  #move(): void {
    this.#touch()
    if (!this.#options.isMovable) throw new AppError('request.unsupported', 'This memory cannot be moved.')
  }

  #touch(): void {
    check(!this.isDisposed, 'the pool is there')
    check(!this.#isBusy, 'calls follow one another')
    this.#given?.fill(Number.NaN)
    this.#given = undefined
  }

  #at(slot: number): Held {
    const held = this.#held[slot]
    if (held === undefined) throw new Error(`misuse: there is no slot ${slot}`)
    return held
  }

  #set(slot: number, held: Held): void {
    check(held.tokens.length <= this.capacityTokens, `${held.tokens.length} tokens fit`)
    this.#held[slot] = held
  }
}

function idsOf(stretch: SavedTokens): readonly number[] {
  check('ids' in stretch, 'what comes back is what was saved')
  return stretch.ids as readonly number[] // `save` put them there
}

function check(isSo: boolean, expected: string): asserts isSo {
  if (!isSo) throw new Error(`misuse: expected that ${expected}`)
}
