import type { Logprobs } from '@loupe/shared/schema'
import type { Tokenizer } from '@loupe/shared/tokenizer'
import type { GenerateEvent, LikelyToken } from '@loupe/shared/wire'
import { type CallPiece, CallSplitter } from './call-splitter.ts'
import { createStopScanner, type StopScanner } from './stop-scanner.ts'

/** How likely tokens were, as the API has it. */
export type TokenLogprobs = NonNullable<Logprobs>['content']

/** What can be shown of an answer now. */
export interface Shown {
  readonly text: string
  /** Of the tokens that the text is made of, when log probabilities were asked for. */
  readonly logprobs: TokenLogprobs
  /** Of calls of functions. */
  readonly calls: readonly CallPiece[]
  /** Whether the answer ends here, at a stop string. */
  readonly stopped: boolean
  /** Which one. */
  readonly stop?: string | undefined
}

/** How an answer is read. */
export interface ChoiceOptions {
  readonly tokenizer: Tokenizer
  /** An answer ends before the first of these. Calls may hold them. */
  readonly stop: readonly string[]
  /** Whether it ends behind it instead. */
  readonly showsStop: boolean
  /** In so many tokens no stop string is looked for. */
  readonly minTokens: number
  /** Names of the functions that may be called. */
  readonly functions: readonly string[]
}

type Tokens = Extract<GenerateEvent, { type: 'tokens' }>

/** A token whose text is not shown yet. */
interface HeldToken {
  readonly content: TokenLogprobs[number]
  /** Where its text begins and ends in the answer, UTF-16 units. */
  readonly start: number
  readonly end: number
}

/** Turns the tokens of one answer into text and calls that can be shown. */
export class ChoiceReader {
  readonly #tokenizer: Tokenizer
  readonly #decoder: ReturnType<Tokenizer['streamDecoder']>
  readonly #scanner: StopScanner
  readonly #splitter: CallSplitter | undefined
  #unscanned: number
  #held: HeldToken[] = []
  #decoded = 0
  #shown = 0

  constructor({ tokenizer, stop, showsStop, minTokens, functions }: ChoiceOptions) {
    this.#tokenizer = tokenizer
    this.#decoder = tokenizer.streamDecoder({ skipSpecial: true })
    this.#scanner = createStopScanner(stop, showsStop)
    this.#splitter = functions.length === 0 ? undefined : new CallSplitter(functions)
    this.#unscanned = minTokens
  }

  /** Whether the answer is calls of functions, all of them whole. */
  get isWholeCall(): boolean {
    return this.#splitter?.isWhole === true
  }

  /** Characters are never cut in half, and what might become a stop string or a call is held back. */
  push({ ids, logprobs, topLogprobs }: Tokens): Shown {
    const texts = ids.map((id, at) => {
      const logprob = logprobs?.[at]
      return this.#decode(id, logprob === undefined ? undefined : { logprob, top: topLogprobs?.[at] ?? [] })
    })
    const free = texts.slice(0, this.#unscanned).join('')
    const rest = texts.slice(this.#unscanned).join('')
    this.#unscanned = Math.max(0, this.#unscanned - ids.length)
    const { text, pieces } = this.#splitter?.push(rest) ?? { text: rest, pieces: [] }
    const scanned = this.#scanner.push(text)
    return { ...this.#show(free + scanned.text, scanned.stopped, pieces), stop: scanned.stop }
  }

  /** What was held back, once no more tokens come. */
  flush(): Shown {
    const rest = this.#decoder.flush()
    const { text, pieces } = this.#splitter?.push(rest) ?? { text: rest, pieces: [] }
    const scanned = this.#scanner.push(text + (this.#splitter?.flush() ?? ''))
    if (scanned.stopped) return { ...this.#show(scanned.text, true, pieces), stop: scanned.stop }
    const all = this.#show(scanned.text + this.#scanner.flush(), false, pieces)
    const left = this.#splitter?.hasCalls === true ? [] : this.#held.splice(0).map(({ content }) => content)
    return { ...all, logprobs: [...all.logprobs, ...left] }
  }

  #decode(id: number, known: { readonly logprob: number; readonly top: readonly LikelyToken[] } | undefined): string {
    const text = this.#decoder.push(id)
    if (known !== undefined) {
      const top_logprobs = known.top.map((token) => this.#describe(token))
      const content = { ...this.#describe({ id, logprob: known.logprob }), top_logprobs }
      this.#held.push({ content, start: this.#decoded, end: this.#decoded + text.length })
    }
    this.#decoded += text.length
    return text
  }

  #show(text: string, stopped: boolean, calls: readonly CallPiece[]): Shown {
    this.#shown += text.length
    // The tokens of a stop string go with it.
    const isShown = ({ start, end }: HeldToken) => end <= this.#shown || (stopped && start < this.#shown)
    const logprobs = this.#held.filter(isShown).map(({ content }) => content)
    this.#held = this.#held.filter((token) => !isShown(token))
    return { text, logprobs, calls, stopped }
  }

  #describe({ id, logprob }: LikelyToken) {
    return { token: this.#tokenizer.decode([id]), logprob, bytes: [...this.#tokenizer.tokenBytes(id)] }
  }
}
