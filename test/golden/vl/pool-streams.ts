import type { Gemma3VLModel, Pipeline, SequencePool } from '@loupe/model'
import { AppError, type ErrorCode } from '@loupe/shared/errors'
import { expect } from 'vitest'
import { worstDifference } from './golden-case.ts'
import type { TokenStream } from './token-stream.ts'

/** Between one way to add numbers up and another. A token too many or too few in sight makes 1e-2 and more. */
export const CLOSE = 2e-5

/** A pool whose slots go on with streams, and all of whose logits are compared with those of the streams. */
export class PoolStreams implements Disposable {
  readonly pool: SequencePool
  readonly #vocabSize: number
  readonly #streams = new Map<number, TokenStream>()

  constructor(model: Gemma3VLModel | Pipeline, size: Parameters<Gemma3VLModel['openPool']>[0]) {
    this.pool = model.openPool(size)
    this.#vocabSize = model.config.text.vocabSize
  }

  /** Slots that have a stream. */
  get taken(): number[] {
    return [...this.#streams.keys()]
  }

  /** Puts a stream into a slot, which is emptied. */
  join(slot: number, stream: TokenStream): void {
    this.pool.truncate(slot, 0)
    this.#streams.set(slot, stream)
  }

  leave(slot: number): void {
    this.pool.truncate(slot, 0)
    this.#streams.delete(slot)
  }

  /** Lets a slot go on with another stream, whatever it holds. */
  goOn(slot: number, stream: TokenStream): void {
    this.#streams.set(slot, stream)
  }

  stream(slot: number): TokenStream {
    return this.#streams.get(slot) ?? expect.fail(`slot ${slot} has no stream`)
  }

  /** Whether what comes next in a slot can be decoded. */
  isText(slot: number): boolean {
    const { ids, isImage } = this.stream(slot)
    const at = this.pool.lengthTokens(slot)
    return at > 0 && at < ids.length && !isImage(at)
  }

  /** Gives a slot its next tokens: at least so many, and no picture cut in two. */
  async advance(slot: number, count: number): Promise<void> {
    const stream = this.stream(slot)
    const from = this.pool.lengthTokens(slot)
    const end = stream.cutAfter(from + count)
    const features = stream.featuresOf(from, end)
    const logits = await this.pool.prefill(slot, stream.ids.subarray(from, end), features, { logits: end - from })
    expect(worstDifference(logits, stream.logits(from, end)), `slot ${slot}, ${from} to ${end}`).toBeLessThan(CLOSE)
  }

  /** Gives some slots one token of text each. */
  async decode(...slots: readonly number[]): Promise<void> {
    const at = slots.map((slot) => this.pool.lengthTokens(slot))
    const tokens = Int32Array.from(slots, (slot, index) => this.stream(slot).ids[at[index] ?? -1] ?? -1)
    const logits = await this.pool.decode(slots, tokens)
    for (const [index, slot] of slots.entries()) {
      const own = logits.subarray(index * this.#vocabSize, (index + 1) * this.#vocabSize)
      const expected = this.stream(slot).logits(at[index] ?? -1)
      expect(worstDifference(own, expected), `slot ${slot}, token ${at[index]}`).toBeLessThan(CLOSE)
    }
  }

  [Symbol.dispose](): void {
    this.pool[Symbol.dispose]()
  }
}

/** That work fails with this error, at once or later. */
export async function expectCode(work: () => unknown, code: ErrorCode, detail: RegExp): Promise<void> {
  const error = await new Promise((resolve) => resolve(work())).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(AppError.isInstance(error) ? error.code : error).toBe(code)
  expect(String(error)).toMatch(detail)
}
