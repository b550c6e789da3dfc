import type { PromptOptions } from '@loupe/shared/chat'
import type { Gemma3Config } from '../gemma3/config.ts'

/** What `buildPrompt` of `@loupe/shared/chat` has to know of a model: the ids that stand for a picture, if it takes any. */
export function promptOptions(config: Gemma3Config): Pick<PromptOptions, 'imageTokens'> {
  const { vision, boiTokenId: boi, imageTokenId: soft, eoiTokenId: eoi, tokensPerImage } = config
  return vision === undefined ? {} : { imageTokens: { boi, soft, eoi, tokensPerImage } }
}
