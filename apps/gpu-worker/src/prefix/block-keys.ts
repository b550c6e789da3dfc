import { createHash } from 'node:crypto'

/** How a sequence is cut into blocks, and what makes its keys its own. */
export interface BlockKeyOptions {
  /** Stands before the first block, hexadecimal. Sequences of different salts have no key in common. */
  readonly salt: string
  /** SHA-256 of each of its pictures, hexadecimal, in order. */
  readonly digests: readonly string[]
  readonly blockTokens: number
  readonly imageTokenId: number
}

/**
 * Names the blocks of one sequence by all that their keys and values depend on: the block before, which stands for
 * everything before it, the ids, and every picture with a token in the block. The whole picture counts, also where most
 * of it lies in later blocks: its tokens see each other.
 */
export class BlockKeys {
  readonly #options: BlockKeyOptions
  readonly #keys: string[] = []
  #picturesBegun = 0

  constructor(options: BlockKeyOptions) {
    this.#options = options
  }

  /**
   * The keys of the first blocks.
   *
   * @param ids - the sequence as far as it is known, these blocks at least; as in earlier calls, and more
   */
  first(blocks: number, ids: Int32Array): readonly string[] {
    while (this.#keys.length < blocks) this.#keys.push(this.#next(ids))
    return this.#keys.slice(0, blocks)
  }

  #next(ids: Int32Array): string {
    const { salt, digests, blockTokens } = this.#options
    const from = this.#keys.length * blockTokens
    const block = ids.subarray(from, from + blockTokens)
    const hash = createHash('sha256').update(this.#keys.at(-1) ?? salt, 'hex')
    hash.update(new Uint8Array(block.buffer, block.byteOffset, block.byteLength))
    for (const picture of this.#pictures(block, ids[from - 1])) hash.update(digests[picture] ?? '', 'hex')
    return hash.digest('hex')
  }

  /** Which pictures have a token in a block. */
  #pictures(block: Int32Array, before: number | undefined): ReadonlySet<number> {
    const { imageTokenId } = this.#options
    const pictures = new Set<number>()
    let previous = before
    for (const id of block) {
      if (id === imageTokenId && previous !== imageTokenId) this.#picturesBegun++
      if (id === imageTokenId) pictures.add(this.#picturesBegun - 1)
      previous = id
    }
    return pictures
  }
}
