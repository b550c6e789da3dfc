import type { CompletionLogprobs } from '@loupe/shared/schema'
import type { Tokenizer } from '@loupe/shared/tokenizer'
import type { TokenLogprobs } from '../chat/choice-reader.ts'

type Lists = NonNullable<CompletionLogprobs>
type Described = Pick<TokenLogprobs[number], 'token' | 'bytes'>

/** Writes how likely the tokens of one answer were in the lists of the older API. */
export class LogprobLists {
  readonly #tokenizer: Tokenizer
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  #characters = 0

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer
  }

  /** The next tokens of the answer. */
  take(tokens: TokenLogprobs): Lists {
    return {
      tokens: tokens.map(spelled),
      token_logprobs: tokens.map(({ logprob }) => logprob),
      top_logprobs: tokens.map(({ top_logprobs: top, ...taken }) => {
        const all = top.length === 0 ? [] : [...top, taken] // the taken one need not be among the likeliest
        return Object.fromEntries(all.map((token) => [spelled(token), token.logprob]))
      }),
      text_offset: tokens.map((token) => this.#offset(token)),
    }
  }

  /** Where the token begins: characters are counted as code points, as the clients in Python count them. */
  #offset({ token, bytes }: Described): number {
    const start = this.#characters
    const id = this.#tokenizer.tokenId(token)
    const isShown = id === undefined || !this.#tokenizer.isControl(id)
    if (isShown) this.#characters += [...this.#decoder.decode(Uint8Array.from(bytes), { stream: true })].length
    return start
  }
}

/** Half a character cannot be told from another half by its text: OpenAI writes its bytes. */
function spelled({ token, bytes }: Described): string {
  if (!token.includes('\ufffd')) return token
  return `bytes:${bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`
}
