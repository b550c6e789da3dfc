import type { Drafter, Speculator } from '../engine/drafter.ts'
import { Acceptance } from './acceptance.ts'
import { findRepetition, goOn, LEAST_MATCHED } from './prompt-lookup.ts'
import { RunCost } from './run-cost.ts'

/** How a {@link PromptSpeculator} guesses. */
export interface PromptSpeculatorOptions {
  /** Tokens of a draft; `auto`: as many as pay, none where none does. */
  readonly tokens: number | 'auto'
  /** A draft was looked at: its tokens, and how many of them were right. */
  readonly onJudged?: (drafted: number, accepted: number) => void
}

/** Few lengths, so that what each costs is soon known: with the token before it a draft fills a tile of rows. */
const LENGTHS = [1, 3, 7, 15]
/** What a draft must win by: less is lost in what was not measured. */
const LEAST_GAIN = 1.05
/** What is likely of one more token behind a match of two tokens, of three, of four and of more. */
const FIRST_SHARES = [0.5, 0.6, 0.75, 0.9]

/**
 * Guesses by what stood before in prompt and answer. Whether that pays depends on the text, and on what this machine
 * takes for several tokens at once; it measures both, and guesses while it gains.
 */
export class PromptSpeculator implements Speculator {
  readonly #options: PromptSpeculatorOptions
  readonly #cost = new RunCost()

  constructor(options: PromptSpeculatorOptions) {
    this.#options = options
  }

  timed(tokens: number, elapsedMs: number): void {
    this.#cost.record(tokens, elapsedMs)
  }

  open(): Drafter {
    const acceptances = FIRST_SHARES.map((share) => new Acceptance(share))
    let judged: Acceptance | undefined
    return {
      propose: (ids, most) => {
        const repetition = findRepetition(ids)
        const kind = Math.min((repetition?.matched ?? 0) - LEAST_MATCHED, FIRST_SHARES.length - 1)
        judged = acceptances[kind]
        const tokens = repetition === undefined || judged === undefined ? 0 : this.#lengthOf(judged, most)
        for (const each of acceptances) if (tokens === 0 || each !== judged) each.rest()
        return repetition === undefined ? new Int32Array() : goOn(repetition, tokens)
      },
      judged: (drafted, accepted) => {
        judged?.record(drafted, accepted)
        this.#options.onJudged?.(drafted, accepted)
      },
    }
  }

  /** How many tokens to guess. */
  #lengthOf({ share }: Acceptance, most: number): number {
    const { tokens } = this.#options
    if (tokens !== 'auto') return Math.min(tokens, most)
    const gains = LENGTHS.filter((length) => length <= most).map((length) => {
      return { length, gain: expectedTokens(share, length) / this.#cost.of(length + 1) }
    })
    const best = gains.reduce((a, b) => (b.gain > a.gain ? b : a), { length: 0, gain: LEAST_GAIN })
    return best.length
  }
}

/** Tokens that a run with a draft makes: those that are right until one is not, and the one behind them. */
function expectedTokens(share: number, length: number): number {
  let [tokens, chance] = [1, 1]
  for (let at = 0; at < length; at++) {
    chance *= share
    tokens += chance
  }
  return tokens
}
