/** What a {@link BlockStore} keeps. */
interface Block {
  readonly bytes: number
}

/**
 * Blocks of tokens by key, within a budget of bytes; the longest unused go first.
 *
 * A block is of use only behind the blocks before it. Whoever uses one uses those as well, and they count as used after
 * it, so that what is longest unused never has another block behind it: no chain is broken.
 */
export class BlockStore<T extends Block> {
  readonly #capacityBytes: number
  /** A map keeps the order of insertion, so its first entry is the longest unused. */
  readonly #blocks = new Map<string, T>()
  #bytes = 0

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes
  }

  /** Never more than the budget. */
  get bytes(): number {
    return this.#bytes
  }

  /** Looks without counting as a use. */
  has(key: string): boolean {
    return this.#blocks.has(key)
  }

  /**
   * The first blocks of a chain, as many as are there.
   *
   * @param keys - of the chain, in order
   */
  use(keys: readonly string[]): readonly T[] {
    const found: T[] = []
    for (const key of keys) {
      const block = this.#blocks.get(key)
      if (block === undefined) break
      found.push(block)
    }
    for (const [index, block] of [...found.entries()].reverse()) this.#renew(keys[index] ?? '', block)
    return found
  }

  /**
   * Adds a block behind the others of its chain, if there is room for all of them.
   *
   * @param keys - of the chain, that of the block last. The others are there
   */
  add(keys: readonly string[], block: T): void {
    const before = keys.slice(0, -1)
    const needed = this.use(before).reduce((sum, { bytes }) => sum + bytes, block.bytes)
    if (needed > this.#capacityBytes) return
    // Those before it are the latest used, so that what goes is never one of them.
    for (const [oldest, { bytes }] of this.#blocks) {
      if (this.#bytes + block.bytes <= this.#capacityBytes) break
      this.#blocks.delete(oldest)
      this.#bytes -= bytes
    }
    this.#blocks.set(keys.at(-1) ?? '', block)
    this.#bytes += block.bytes
    this.use(before)
  }

  #renew(key: string, block: T): void {
    this.#blocks.delete(key)
    this.#blocks.set(key, block)
  }
}
