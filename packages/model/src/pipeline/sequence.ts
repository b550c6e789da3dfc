import type { SequenceModel } from './sequence-model.ts'
import { SequencePool, type StepOptions } from './sequence-pool.ts'

/**
 * One conversation with the language model: its tokens so far, and their keys and values; a {@link SequencePool} with one
 * slot. Steps follow one another; a second one must not begin before the first has ended.
 */
export class Sequence implements Disposable {
  /** The longest it can become. */
  readonly capacityTokens: number
  readonly #pool: SequencePool

  /**
   * @param capacityTokens - the longest it can become; memory for all of it is reserved now
   * @throws AppError `prompt.too_long` when that is more than the model was trained for
   */
  constructor(model: SequenceModel, capacityTokens: number) {
    this.capacityTokens = capacityTokens
    this.#pool = new SequencePool(model, { slots: 1, capacityTokens })
  }

  /** Tokens whose keys and values are cached. */
  get lengthTokens(): number {
    return this.#pool.lengthTokens(0)
  }

  /**
   * Appends a prompt, or the next part of one. A picture must be whole within one part.
   *
   * @param inputIds - `[t]`, at least one
   * @param imageFeatures - `[m·d]` of each picture in these ids, in order
   * @returns logits of the last token, `[v]`; overwritten by the next step
   * @throws AppError `prompt.too_long`, `prompt.invalid_token`, `image.count_mismatch`, `tensor.invalid`,
   *   `request.cancelled`
   */
  async prefill(
    inputIds: Int32Array,
    imageFeatures: readonly Float32Array[],
    options: StepOptions = {},
  ): Promise<Float32Array> {
    return this.#pool.prefill(0, inputIds, imageFeatures, options)
  }

  /**
   * Appends one token of text.
   *
   * @returns logits of what follows it, `[v]`; overwritten by the next step
   * @throws AppError `prompt.too_long`, `prompt.invalid_token`, `request.cancelled`
   */
  async decode(tokenId: number, options: StepOptions = {}): Promise<Float32Array> {
    return this.#pool.decode([0], Int32Array.of(tokenId), options)
  }

  [Symbol.dispose](): void {
    this.#pool[Symbol.dispose]()
  }
}
