import { createHash, randomBytes } from 'node:crypto'
import type { GenerateJob } from '../engine/engine.ts'
import type { SavedTokens } from '../engine/model.ts'
import type { PrefixCache, PrefixChain, PrefixSource } from '../engine/prefix-cache.ts'
import { BlockStore } from './block-store.ts'
import { type SequenceBlock, SequenceBlocks } from './sequence-blocks.ts'

/** What {@link PrefixBlocks} is made of. */
export interface PrefixBlocksOptions {
  /** Most bytes of keys and values. */
  readonly capacityBytes: number
  /** Tokens of a block without pictures. When one is complete its sequence must still hold them all; see {@link blockTokens}. */
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
 * computing them; of a conversation that goes on, only what is new is computed.
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
    const { inputIds, images, tenant, cacheScope = tenant } = job
    const blocks = new SequenceBlocks({ ...this.#options, salt: this.#salt(cacheScope), digests: images.digests })
    let kept = 0
    return {
      match: () => {
        // The last token is computed in any case: somebody waits for what follows it.
        const front = blocks.complete(inputIds).filter(({ end }) => end < inputIds.length)
        const found = this.#store.use(front.map(({ key }) => key))
        const hits = found.reduce((sum, { tokens }) => sum + tokens, 0)
        this.#options.onQuery?.(inputIds.length, hits)
        return found
      },
      store: (ids, slot) => {
        const complete = blocks.complete(ids)
        while (kept < complete.length) this.#keep(complete.slice(0, ++kept), slot)
      },
    }
  }

  /**
   * Keeps the last block of a chain, unless one before it is gone.
   *
   * @param chain - all blocks of a sequence up to that one
   */
  #keep(chain: readonly SequenceBlock[], slot: PrefixSource): void {
    const keys = chain.map(({ key }) => key)
    const [before, own] = [keys.at(-2), chain.at(-1)]
    if (own === undefined) return
    if (this.#store.has(own.key)) this.#store.use(keys)
    else if (own.from >= slot.heldFrom && (before === undefined || this.#store.has(before))) {
      this.#store.add(keys, slot.save(own.from, own.end))
    }
  }

  /** Salted with a secret of the process, so that a key says nothing outside of it. */
  #salt(scope: string): string {
    return createHash('sha256').update(this.#secret).update(scope).digest('hex')
  }
}
