import type { Logprobs } from '@loupe/shared/schema'
import type { Tokenizer } from '@loupe/shared/tokenizer'
import type { GenerateEvent, LikelyToken } from '@loupe/shared/wire'
import { createStopScanner } from './stop-scanner.ts'

/** How likely tokens were, as the API has it. */
export type TokenLogprobs = NonNullable<Logprobs>['content']

/** What can be shown of an answer now. */
export interface Shown {
  readonly text: string
  /** Of the tokens that the text is made of, when log probabilities were asked for. */
  readonly logprobs: TokenLogprobs
  /** Whether the answer ends here, before a stop string. */
  readonly stopped: boolean
}

/** Turns the tokens of one answer into text that can be shown. */
export interface ChoiceReader {
  /** Characters are never cut in half, and what might become a stop string is held back. */
  push(tokens: Extract<GenerateEvent, { type: 'tokens' }>): Shown
  /** What was held back, once no more tokens come. */
  flush(): Shown
}

/** A token whose text is not shown yet. */
interface HeldToken {
  readonly content: TokenLogprobs[number]
  /** Where its text begins and ends in the answer, UTF-16 units. */
  readonly start: number
  readonly end: number
}

/** Makes a reader for one answer. */
export function createChoiceReader(tokenizer: Tokenizer, stop: readonly string[]): ChoiceReader {
  const decoder = tokenizer.streamDecoder({ skipSpecial: true })
  const scanner = createStopScanner(stop)
  let held: HeldToken[] = []
  let decoded = 0
  let shown = 0

  const show = (text: string, stopped: boolean): Shown => {
    shown += text.length
    // The tokens of a stop string go with it.
    const isShown = ({ start, end }: HeldToken) => end <= shown || (stopped && start < shown)
    const logprobs = held.filter(isShown).map(({ content }) => content)
    held = held.filter((token) => !isShown(token))
    return { text, logprobs, stopped }
  }
  return {
    push({ ids, logprobs, topLogprobs }) {
      const texts = ids.map((id, at) => {
        const text = decoder.push(id)
        const logprob = logprobs?.[at]
        if (logprob !== undefined) {
          const content = {
            ...describe(tokenizer, { id, logprob }),
            top_logprobs: describeAll(tokenizer, topLogprobs?.[at]),
          }
          held.push({ content, start: decoded, end: decoded + text.length })
        }
        decoded += text.length
        return text
      })
      const { text, stopped } = scanner.push(texts.join(''))
      return show(text, stopped)
    },
    flush() {
      const { text, stopped } = scanner.push(decoder.flush())
      if (stopped) return show(text, true)
      const all = show(text + scanner.flush(), false)
      return { ...all, logprobs: [...all.logprobs, ...held.splice(0).map(({ content }) => content)] }
    },
  }
}

function describeAll(tokenizer: Tokenizer, tokens: readonly LikelyToken[] = []) {
  return tokens.map((token) => describe(tokenizer, token))
}

function describe(tokenizer: Tokenizer, { id, logprob }: LikelyToken) {
  return { token: tokenizer.decode([id]), logprob, bytes: [...tokenizer.tokenBytes(id)] }
}
