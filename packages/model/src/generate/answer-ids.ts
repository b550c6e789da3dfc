import type { Gemma3Config } from '../gemma3/config.ts'
import type { SamplerOptions } from './sampler.ts'

/** The table of the released models that see: behind the soft token come rows that no training has touched. */
const RELEASED = { softTokenId: 262_144, vocabSize: 262_208 } as const

/**
 * Which ids an answer may hold. The soft token, which keeps the places of a picture, is none of them: there would be no
 * picture behind it. A model that sees has a row for it also when it is started for text only.
 *
 * @param tokenizerSize - ids of the tokenizer, where it is known; the embedding table may have more rows
 */
export function answerIds({ text, softTokenId }: Gemma3Config, tokenizerSize = text.vocabSize): SamplerOptions {
  const vocabLimit = Math.min(tokenizerSize, text.vocabSize)
  const isPadded = softTokenId === RELEASED.softTokenId && vocabLimit === RELEASED.vocabSize
  // As in Gemma; cheaper than a ban.
  if (isPadded || softTokenId === vocabLimit - 1) return { vocabLimit: softTokenId }
  return softTokenId >= 0 && softTokenId < vocabLimit ? { vocabLimit, bannedIds: [softTokenId] } : { vocabLimit }
}
