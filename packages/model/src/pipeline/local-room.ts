import { AppError } from '@loupe/shared/errors'
import type { Gemma3Config } from '../gemma3/config.ts'
import type { PoolSlot } from './pool-slot.ts'

/** How many tokens a sequence can always go back. */
export const REWIND_TOKENS = 16

/**
 * How many decoded tokens come between two moves. A layer reads all its slots for every token, and moving the kept ones
 * costs about as much as reading them twice: n/2 slots too many and 2·kept/n for moving are least at the root of 4·kept.
 */
const DECODED_TOKENS = 64

/** What layers with a window have room for. */
interface LocalRoomSize {
  /** Of the layers that see everything. */
  readonly capacityTokens: number
  /** Most tokens that come at once, a longer picture aside. */
  readonly partTokens: number
  /** Whether tokens can be moved to the front of the cache; if not, all are kept where they are. */
  readonly isMovable?: boolean
}

/**
 * The tokens of a sequence that layers with a window have: the last ones. When their slots are full, those that can still
 * be seen are moved to the front.
 *
 *     tokens          0 1 2 3 4 5 6 7 8 9       W = 3, one to go back, two at once: slots for five
 *     global slots    0 1 2 3 4 5 6 7 8 9
 *     local slots               0 1 2 3 4       base = 5; two more tokens move 7, 8 and 9 to the front
 */
export class LocalRoom {
  /** Slots of a sequence. */
  readonly tokens: number
  readonly #window: number
  /** W - 1, and what there is to go back. */
  readonly #kept: number
  readonly #mostAtOnce: number
  /** Tokens that are left where they are while others come one by one. */
  readonly #mostDecoded: number

  constructor({ text, tokensPerImage }: Gemma3Config, size: LocalRoomSize) {
    const { capacityTokens, partTokens, isMovable = true } = size
    this.#window = text.slidingWindow
    this.#kept = text.slidingWindow - 1 + REWIND_TOKENS
    const atOnce = Math.max(partTokens, tokensPerImage)
    const isAll = !isMovable || this.#kept + atOnce >= capacityTokens
    this.#mostDecoded = isAll ? capacityTokens : this.#kept + Math.min(atOnce, DECODED_TOKENS)
    this.tokens = isAll ? capacityTokens : this.#kept + atOnce
    this.#mostAtOnce = isAll ? capacityTokens : atOnce
  }

  /** The first token to keep. */
  keptFrom({ length, base }: Pick<PoolSlot, 'length' | 'base'>): number {
    return Math.max(base, length - this.#kept)
  }

  /** Whether so many tokens have slots. */
  holds(tokens: number): boolean {
    return tokens <= this.tokens
  }

  /** Whether those that are kept are moved to the front before more tokens come. */
  moves({ length, base }: Pick<PoolSlot, 'length' | 'base'>, tokens: number): boolean {
    return length + tokens - base > (tokens === 1 ? this.#mostDecoded : this.tokens)
  }

  /** @throws AppError `request.unsupported` when there is not room for as many tokens at once, whatever is moved */
  checkRun(tokens: number): void {
    if (tokens <= this.#mostAtOnce) return
    const expected = `Expected at most ${this.#mostAtOnce} tokens of images with nothing between them`
    throw new AppError('request.unsupported', `${expected}, found ${tokens}.`)
  }

  /** @throws AppError `request.invalid` when what could be seen from behind so many tokens is not there any more */
  checkBack({ length, base }: PoolSlot, tokens: number): void {
    if (tokens === 0 || base <= Math.max(0, tokens - this.#window + 1)) return
    const expected = `Expected to go back by at most ${REWIND_TOKENS} tokens`
    throw new AppError('request.invalid', `${expected}, found ${length - tokens}.`)
  }
}
