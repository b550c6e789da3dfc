import { createHash } from 'node:crypto'

/** How a sequence is cut into blocks, and what makes their keys its own. */
export interface SequenceBlocksOptions {
  /** Stands before the first block, hexadecimal. Sequences of different salts have no key in common. */
  readonly salt: string
  /** SHA-256 of each picture of the sequence, hexadecimal, in order. */
  readonly digests: readonly string[]
  /** Tokens of a block, unless it would end inside of a picture. */
  readonly blockTokens: number
  readonly imageTokenId: number
}

/** The tokens [from, end) of a sequence. */
export interface SequenceBlock {
  readonly from: number
  readonly end: number
  /** Names all that the keys and values of its tokens depend on. */
  readonly key: string
}

/**
 * Cuts a sequence into blocks. A block that would end inside of a picture goes on to the end of it: tokens of a picture
 * see each other, so that no part of it is of any use.
 *
 *     tttttttttttiiiiittttttttt      blocks of four tokens, and one picture of five
 *     |---|---|-------|---|---|
 *
 * The key of a block is the SHA-256 of the key before it, its ids, and the digests of its pictures.
 */
export class SequenceBlocks {
  readonly #options: SequenceBlocksOptions
  readonly #blocks: SequenceBlock[] = []
  #picturesBefore = 0

  constructor(options: SequenceBlocksOptions) {
    this.#options = options
  }

  /**
   * The blocks that are complete, in order.
   *
   * @param ids - the first tokens of the sequence, all of their pictures whole
   */
  complete(ids: Int32Array): readonly SequenceBlock[] {
    for (;;) {
      const { end: from, key: before } = this.#blocks.at(-1) ?? { end: 0, key: this.#options.salt }
      const end = this.#endOf(from, ids)
      if (end > ids.length) break
      this.#blocks.push({ from, end, key: this.#keyOf(ids.subarray(from, end), before) })
    }
    return this.#blocks.filter(({ end }) => end <= ids.length)
  }

  #endOf(from: number, ids: Int32Array): number {
    const { blockTokens, imageTokenId } = this.#options
    let end = from + blockTokens
    while (ids[end - 1] === imageTokenId && ids[end] === imageTokenId) end++
    return end
  }

  #keyOf(ids: Int32Array, before: string): string {
    const { digests, imageTokenId } = this.#options
    const hash = createHash('sha256').update(before, 'hex')
    hash.update(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength))
    for (const [at, id] of ids.entries()) {
      if (id !== imageTokenId || ids[at - 1] === imageTokenId) continue
      hash.update(digests[this.#picturesBefore] ?? '', 'hex')
      this.#picturesBefore++
    }
    return hash.digest('hex')
  }
}
