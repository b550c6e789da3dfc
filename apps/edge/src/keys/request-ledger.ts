import { AppError } from '@loupe/shared/errors'
import type { AnswerLedger, AnswerTokens, Reservation } from './answer-ledger.ts'
import type { KeyAccount, KeyHeadroom, Reserved } from './key-book.ts'

/** What a request's ledger works with. */
export interface RequestLedgerOptions {
  /** Nothing is counted without one: a static key, or none. */
  readonly account: KeyAccount | undefined
  readonly headroom: KeyHeadroom
  /** Keeps the isolate for work that goes on after the reply. */
  readonly keepAlive: (work: Promise<unknown>) => void
  /** Told of a settlement that did not reach the account; what was set aside then counts as used. */
  readonly onLost: (error: AppError) => void
}

/** What the answers of one request are charged to: the account of its key. */
export class RequestLedger implements AnswerLedger {
  readonly #options: RequestLedgerOptions
  #headroom: KeyHeadroom
  #hasBroken = false

  constructor(options: RequestLedgerOptions) {
    this.#options = options
    this.#headroom = options.headroom
  }

  /** What is left of the limits, as far as this request knows. */
  get headroom(): KeyHeadroom {
    return this.#headroom
  }

  /** Whether an answer of this request ended before its own end. */
  get hasBroken(): boolean {
    return this.#hasBroken
  }

  async reserve({ promptTokens, answerTokens }: AnswerTokens): Promise<Reservation> {
    const { account, keepAlive } = this.#options
    const id = crypto.randomUUID()
    const tokens = promptTokens + answerTokens
    if (account !== undefined) this.#note(await account.reserve({ id, tokens }), tokens)
    // Kept from here on: a client that leaves ends its request at once, and what it has used is still to be told.
    const { promise, resolve } = Promise.withResolvers<void>()
    if (account !== undefined) keepAlive(promise)
    let isOpen = true
    return {
      settle: (used, isWhole) => {
        if (!isOpen) return
        isOpen = false
        if (!isWhole) this.#hasBroken = true
        void this.#settle(id, used).then(resolve)
      },
    }
  }

  /** Nobody waits for it: the reply is worth more than the headroom of the next request. */
  async #settle(id: string, tokens: number): Promise<void> {
    const { account, onLost } = this.#options
    await account?.settle({ id, tokens }).catch((error: unknown) => onLost(AppError.from(error)))
  }

  #note(reserved: Reserved, tokens: number): void {
    if ('headroom' in reserved) this.#headroom = reserved.headroom
    if (reserved.outcome !== 'reserved') throw refusal(reserved, tokens)
  }
}

function refusal(reserved: Exclude<Reserved, { outcome: 'reserved' }>, tokens: number): AppError {
  switch (reserved.outcome) {
    case 'ended':
      return new AppError('auth.invalid', 'The API key has expired or was revoked since the request came.')
    case 'spent':
      return new AppError(
        'quota.exceeded',
        `The API key may use ${reserved.limit} tokens in a ${reserved.period}; the request may take ${tokens}, which is more than are left.`,
      )
    case 'limited': {
      const { by, limit, waitMs: retryAfterMs } = reserved
      const detail =
        by === 'answers'
          ? `The API key may have ${limit} answers at a time, and as many are being made.`
          : `The API key may use ${limit} tokens in a minute; the request may take ${tokens}, prompt and longest answer.`
      return new AppError('rate.limited', detail, { retryAfterMs })
    }
  }
}
