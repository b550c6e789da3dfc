import { createHash, randomBytes } from 'node:crypto'
import type { GenerateJob } from '../engine/engine.ts'
import type { SavedTokens } from '../engine/model.ts'
import type { PrefixCache, PrefixChain, PrefixSource } from '../engine/prefix-cache.ts'
import { BlockKeys } from './block-keys.ts'
import { BlockStore } from './block-store.ts'

/** What {@link PrefixBlocks} is made of. */
export interface PrefixBlocksOptions {
  /** Most bytes of keys and values. */
  readonly capacityBytes: number
  /** Tokens of a block. When one is complete its sequence must still hold them all; see {@link blockTokens}. */
  readonly blockTokens: number
  /** -1 for a text-only model. */
  readonly imageTokenId: number
  /** Called for every prompt that was looked up: its tokens, and how many of them are known. */
  readonly onQuery?: (queries: number, hits: number) => void
}

/** Larger blocks are compared and moved faster; with smaller ones less of a prompt is computed again. */
const BLOCK_TOKENS = 64

/**
 * Tokens of a block: 64, or fewer for a model with a narrow window. Layers with a window keep the last tokens only,
 * and a block that is complete must be among them.
 *
 * @param windowTokens - of these layers
 */
export function blockTokens(windowTokens: number): number {
  return Math.min(BLOCK_TOKENS, windowTokens)
}

/**
 * Keys and values of earlier sequences in blocks of tokens. A sequence with the same front takes them over instead of
 * computing them: of a conversation that goes on, only what is new.
 *
 * Tenants share nothing: how long a prompt takes would tell what somebody has asked.
 */
export class PrefixBlocks implements PrefixCache {
  readonly #options: PrefixBlocksOptions
  readonly #secret = randomBytes(32)
  readonly #store: BlockStore<SavedTokens>

  constructor(options: PrefixBlocksOptions) {
    this.#options = options
    this.#store = new BlockStore(options.capacityBytes)
  }

  /** What all blocks take in memory. */
  get bytes(): number {
    return this.#store.bytes
  }

  open(job: GenerateJob): PrefixChain {
    const { blockTokens: size, imageTokenId, onQuery } = this.#options
    const { inputIds, images } = job
    const keys = new BlockKeys({ ...this.#options, salt: this.#salt(job.tenant), digests: images.digests })
    let seen = 0
    return {
      match: () => {
        // The last token is computed in any case: somebody waits for what follows it.
        const found = this.#store.use(keys.first(Math.floor((inputIds.length - 1) / size), inputIds))
        const isInside = (end: number) => inputIds[end - 1] === imageTokenId && inputIds[end] === imageTokenId
        let blocks = found.length
        while (blocks > 0 && isInside(blocks * size)) blocks--
        onQuery?.(inputIds.length, blocks * size)
        return found.slice(0, blocks)
      },
      store: (ids, slot) => {
        for (const blocks = Math.floor(ids.length / size); seen < blocks; seen++) {
          this.#keep(keys.first(seen + 1, ids), slot)
        }
      },
    }
  }

  /**
   * Keeps one more block of a chain, unless one before it is gone.
   *
   * @param keys - of the chain, the last of them that of the block to keep
   */
  #keep(keys: readonly string[], slot: PrefixSource): void {
    const [before, own] = [keys.at(-2), keys.at(-1) ?? '']
    if (this.#store.has(own)) {
      this.#store.use(keys)
      return
    }
    const end = keys.length * this.#options.blockTokens
    const from = end - this.#options.blockTokens
    if (from < slot.heldFrom || (before !== undefined && !this.#store.has(before))) return
    this.#store.add(keys, slot.save(from, end))
  }

  /** Salted with a secret of the process, so that a key says nothing outside of it. */
  #salt(tenant: string): string {
    return createHash('sha256').update(this.#secret).update(tenant).digest('hex')
  }
}
