/**
 * What the worker needs of a model. `Gemma3VLModel` of `@loupe/model` has this shape; so have the models of the tests.
 */

/** Keys and values of a stretch of tokens, for a cache of prefixes. Only the pool that made it can read it. */
export interface SavedTokens {
  /** Place of its first token in the sequence. */
  readonly fromToken: number
  readonly tokens: number
  readonly bytes: number
}

/** Everything that a slot held. Only the pool that made it can read it. */
export interface SavedSequence {
  readonly tokens: number
  readonly bytes: number
}

/** Options of one call of a pool. */
export interface PoolCallOptions {
  /** Ends the call early with `request.cancelled`; no slot is longer than before. */
  readonly signal?: AbortSignal
}

/**
 * Places for several sequences, their memory reserved once. Calls follow one another: a second one must not begin before
 * the first has ended. Slots count from 0.
 *
 * A pool whose memory is not movable throws `request.unsupported` from `copy`, `save`, `restore`, `copyOut` and `copyIn`.
 */
export interface ModelPool extends Disposable {
  readonly slots: number
  /** Of each slot. */
  readonly capacityTokens: number
  readonly isMovable: boolean
  lengthTokens(slot: number): number
  /** The first token that `save` can still give. */
  heldFrom(slot: number): number
  /**
   * Appends tokens to one slot; a picture must be whole within one call.
   *
   * @param inputIds - `[t]` int32
   * @param imageFeatures - one `[256 * d]` float32 array a picture, in the order of the prompt
   * @param options - `logits`: of how many of the last tokens logits are wanted, 1 by default; 0 in the middle of a prompt
   * @returns logits `[l * v]`, valid until the next call
   */
  prefill(
    slot: number,
    inputIds: Int32Array,
    imageFeatures: readonly Float32Array[],
    options?: PoolCallOptions & { readonly logits?: number },
  ): Promise<Float32Array>
  /**
   * Appends one token of text to each of these slots, as one batch.
   *
   * @returns logits `[n * v]` in the order given, valid until the next call
   */
  decode(slots: readonly number[], tokenIds: Int32Array, options?: PoolCallOptions): Promise<Float32Array>
  /** Forgets the tokens from this length on; 0 empties the slot. */
  truncate(slot: number, lengthTokens: number): void
  /** Copies a whole sequence to an empty slot. */
  copy(from: number, to: number): void
  /** Keys and values of the tokens [from, end). */
  save(slot: number, from: number, end: number): SavedTokens
  /** Appends saved stretches as if their tokens had been given to `prefill`; the first begins at `lengthTokens`. */
  restore(slot: number, saved: readonly SavedTokens[]): void
  /** Everything a slot holds. The slot keeps it. */
  copyOut(slot: number): SavedSequence
  /** Puts a sequence into an empty slot. */
  copyIn(slot: number, saved: SavedSequence): void
}

/** How many sequences a pool has places for, and how long they may become. */
export interface PoolSize {
  readonly slots: number
  readonly capacityTokens: number
  /** The longest call that is to be expected, a picture aside: layers with a window have room for it. */
  readonly partTokens: number
}

/**
 * A loaded vision-language model. Image features may be computed while a pool works; each call ends early with
 * `request.cancelled` when its signal aborts.
 */
export interface GenerativeModel extends Disposable {
  /** @param patches - one picture, `[4096 * 588]` uint8 @returns `[256 * d]` float32 */
  getImageFeatures(patches: Uint8Array, options?: { signal?: AbortSignal }): Promise<Float32Array>
  openPool(size: PoolSize): ModelPool
}
