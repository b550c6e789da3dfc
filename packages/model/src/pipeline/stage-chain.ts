import type { SavedSlots, SlotRange } from '../gemma3/key-value-cache.ts'
import type { PerKind } from '../gemma3/layer-kind.ts'
import { headWidth } from '../gemma3/stage.ts'
import { CachedStage } from './cached-stage.ts'
import type { Step } from './language-model.ts'
import type { SequenceModel } from './sequence-model.ts'

/** Where a step runs, and how it ends early. */
interface ChainRunOptions {
  /** The row of the caches that the step's first row is. */
  readonly firstRow: number
  readonly signal?: AbortSignal | undefined
}

/** All stages of a model, each with a cache of its own layers: what a token passes, and what is kept of it. */
export class StageChain implements Disposable {
  readonly #hiddenSize: number
  readonly #vocabSize: number
  readonly #stages: readonly CachedStage[]

  constructor({ config: { text }, stages }: SequenceModel, size: { rows: number; slots: PerKind<number> }) {
    this.#hiddenSize = text.hiddenSize
    this.#vocabSize = text.vocabSize
    this.#stages = stages.map((stage) => new CachedStage(stage, size))
  }

  /** Computes one step. @param logits - `[l·v]`, written */
  async run(step: Step, logits: Float32Array, { firstRow, signal }: ChainRunOptions): Promise<void> {
    const options = { firstRow, ...(signal === undefined ? {} : { signal }) }
    let hiddenIn = new Float32Array()
    for (const stage of this.#stages) {
      if (stage.stage.postProcess) {
        await this.#runHead(stage, { ...step, hiddenIn }, logits, options)
        continue
      }
      const count = step.tokenIds.length
      const hiddenOut = new Float32Array(count * this.#hiddenSize)
      const shape = [step.rows, count / step.rows, this.#hiddenSize]
      await stage.run({ ...step, hiddenIn }, { hidden_out: [shape, hiddenOut] }, options)
      hiddenIn = hiddenOut
    }
  }

  /** As {@link KeyValueCache.read}, of each stage. */
  read(row: number, ranges: PerKind<SlotRange>): SavedSlots[] {
    return this.#stages.map(({ cache }) => cache.read(row, ranges))
  }

  /** Whether saved slots are those of such stages. */
  canWrite(saved: readonly SavedSlots[]): boolean {
    const fits = ({ cache }: CachedStage, index: number) =>
      saved[index] !== undefined && cache.bytesOf(saved[index].slots) === saved[index].bytes.byteLength
    return saved.length === this.#stages.length && this.#stages.every(fits)
  }

  /** As {@link KeyValueCache.write}, of each stage. */
  write(row: number, saved: readonly SavedSlots[], at: PerKind<SlotRange & { readonly slot: number }>): void {
    for (const [index, { cache }] of this.#stages.entries()) {
      const own = saved[index]
      if (own !== undefined) cache.write(row, own, at)
    }
  }

  /** As {@link KeyValueCache.moveToFront}, of each stage. */
  moveToFront(row: number, range: SlotRange): void {
    for (const { cache } of this.#stages) cache.moveToFront(row, range)
  }

  /** As {@link KeyValueCache.copyRow}, of each stage. */
  copyRow(from: number, to: number, slots: PerKind<number>): void {
    for (const { cache } of this.#stages) cache.copyRow(from, to, slots)
  }

  [Symbol.dispose](): void {
    for (const stage of this.#stages) stage[Symbol.dispose]()
  }

  /** A head may have some of the vocabulary only; its logits then lie among those of the others. */
  async #runHead(
    on: CachedStage,
    step: Step,
    logits: Float32Array,
    options: { readonly firstRow: number; readonly signal?: AbortSignal },
  ): Promise<void> {
    const count = step.logitRows.length
    const { vocabulary, firstLayer, endLayer } = on.stage
    if (count === 0 && firstLayer === endLayer) return
    const width = headWidth(on.stage, { vocabSize: this.#vocabSize })
    const firstId = vocabulary?.firstId ?? 0
    const isApart = width !== this.#vocabSize && count > 1
    const own = isApart ? new Float32Array(count * width) : logits.subarray(firstId, firstId + count * width)
    await on.run(step, { logits: [[count, width], own] }, options)
    for (let row = 0; isApart && row < count; row++) {
      logits.set(own.subarray(row * width, (row + 1) * width), row * this.#vocabSize + firstId)
    }
  }
}
