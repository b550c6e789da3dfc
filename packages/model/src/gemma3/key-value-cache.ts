import { BYTES_PER_ELEMENT, type Runtime, type RuntimeBinding, type RuntimeTensor } from '../graph/runtime.ts'
import { cacheNames } from './cache.ts'
import type { TextConfig } from './config.ts'
import type { FloatType } from './dtype-policy.ts'
import { type LayerKind, layerKind, type PerKind, perKind } from './layer-kind.ts'
import type { Stage } from './stage.ts'

/** How much a {@link KeyValueCache} holds. */
export interface CacheSize {
  /** Sequences side by side. */
  readonly rows: number
  /** c of each kind of layer: slots of each row. */
  readonly slots: PerKind<number>
  /** As the graph's policy has it. */
  readonly dtype: FloatType
}

/** Some slots of a row: those from `from` up to `end`, which is behind the last one. */
export interface SlotRange {
  readonly from: number
  readonly end: number
}

/** Keys and values of some slots, layer by layer: keys, values; of each, head by head. */
export interface SavedSlots {
  /** How many slots, in layers of each kind. */
  readonly slots: PerKind<number>
  readonly bytes: Uint8Array
}

interface LayerMemory {
  readonly kind: LayerKind
  readonly keys: RuntimeTensor
  readonly values: RuntimeTensor
}

/**
 * The memory behind {@link layerCache}: keys and values of every layer of a stage, `[b, k, c, h]` each.
 *
 * It is allocated once. On a CPU the system commits its pages when they are first written; there too, some of the rows
 * can be bound without the others, and be copied from place to place.
 */
export class KeyValueCache implements Disposable {
  readonly size: CacheSize
  readonly #runtime: Runtime
  readonly #layers = new Map<number, LayerMemory>()
  readonly #shapes: PerKind<readonly number[]>
  readonly #headBytes: number
  readonly #heads: number

  constructor(runtime: Runtime, config: TextConfig, stage: Stage, size: CacheSize) {
    const { rows, slots, dtype } = size
    const { keyHeads, headSize } = config
    this.size = size
    this.#runtime = runtime
    this.#heads = keyHeads
    this.#headBytes = headSize * BYTES_PER_ELEMENT[dtype]
    this.#shapes = perKind((kind) => [rows, keyHeads, slots[kind], headSize])
    for (let layer = stage.firstLayer; layer < stage.endLayer; layer++) {
      const kind = layerKind(config, layer)
      const shape = this.#shapes[kind]
      const [keys, values] = [runtime.allocate(dtype, shape), runtime.allocate(dtype, shape)]
      this.#layers.set(layer, { kind, keys, values })
    }
  }

  /**
   * Makes a binding of the language model read and write some of the rows.
   *
   * @param rows - all of them on a device with memory of its own
   * @returns what to dispose after the binding
   */
  bind(binding: RuntimeBinding, rows: SlotRange): Disposable {
    const views = new DisposableStack()
    const isWhole = rows.end - rows.from === this.size.rows
    for (const [layer, { kind, ...sides }] of this.#layers) {
      const view = (tensor: RuntimeTensor) => (isWhole ? tensor : views.use(this.#view(tensor, kind, rows)))
      const [keys, values] = [view(sides.keys), view(sides.values)]
      const names = cacheNames(layer)
      binding.input(names.pastKeys, keys).output(names.presentKeys, keys)
      binding.input(names.pastValues, values).output(names.presentValues, values)
    }
    return views
  }

  /** What so many slots of a row take. */
  bytesOf(slots: PerKind<number>): number {
    const layers = [...this.#layers.values()].reduce((sum, { kind }) => sum + slots[kind], 0)
    return layers * 2 * this.#heads * this.#headBytes
  }

  /** A copy of what some slots of a row hold. */
  read(row: number, ranges: PerKind<SlotRange>): SavedSlots {
    const slots = perKind((kind) => ranges[kind].end - ranges[kind].from)
    const bytes = new Uint8Array(this.bytesOf(slots))
    let to = 0
    for (const { kind, memory, start } of this.#eachHead(row)) {
      const { from, end } = ranges[kind]
      bytes.set(memory.subarray(start + from * this.#headBytes, start + end * this.#headBytes), to)
      to += slots[kind] * this.#headBytes
    }
    return { slots, bytes }
  }

  /**
   * Writes saved slots into a row.
   *
   * @param at - for each kind of layer: the first slot to write, and which of the saved ones go there
   */
  write(row: number, { slots, bytes }: SavedSlots, at: PerKind<SlotRange & { readonly slot: number }>): void {
    let saved = 0
    for (const { kind, memory, start } of this.#eachHead(row)) {
      const { slot, from, end } = at[kind]
      const part = bytes.subarray(saved + from * this.#headBytes, saved + end * this.#headBytes)
      memory.set(part, start + slot * this.#headBytes)
      saved += slots[kind] * this.#headBytes
    }
  }

  /** Moves slots of local layers to the front of their row. */
  moveToFront(row: number, { from, end }: SlotRange): void {
    for (const { kind, memory, start } of this.#eachHead(row)) {
      if (kind === 'global') continue
      memory.copyWithin(start, start + from * this.#headBytes, start + end * this.#headBytes)
    }
  }

  /** Copies the first slots of a row to another row. */
  copyRow(from: number, to: number, slots: PerKind<number>): void {
    for (const { kind, memory, start, rowBytes } of this.#eachHead(from)) {
      const target = start + (to - from) * rowBytes
      memory.copyWithin(target, start, start + slots[kind] * this.#headBytes)
    }
  }

  [Symbol.dispose](): void {
    for (const { keys, values } of this.#layers.values()) {
      keys[Symbol.dispose]()
      values[Symbol.dispose]()
    }
    this.#layers.clear()
  }

  #view({ dtype, data }: RuntimeTensor, kind: LayerKind, { from, end }: SlotRange): RuntimeTensor {
    const [, ...row] = this.#shapes[kind]
    const elements = row.reduce((product, length) => product * length, 1)
    return this.#runtime.wrap(dtype, [end - from, ...row], data.subarray(from * elements, end * elements))
  }

  /** Keys and values of every layer, head by head: all bytes of the tensor, and where the row's first slot begins. */
  *#eachHead(row: number) {
    for (const { kind, keys, values } of this.#layers.values()) {
      const stride = this.size.slots[kind] * this.#headBytes
      const rowBytes = this.#heads * stride
      for (const { data } of [keys, values]) {
        const memory = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
        for (let head = 0; head < this.#heads; head++) {
          yield { kind, memory, start: row * rowBytes + head * stride, rowBytes }
        }
      }
    }
  }
}
