import type { Gemma3VLModel } from '@loupe/model'

/** Ids of ordinary text in all golden vocabularies. */
const [FIRST_TEXT, LAST_TEXT] = [6, 299]

/** Tokens of text and pictures, and what one forward pass over all of them gives. */
export interface TokenStream {
  /** `[t]` */
  readonly ids: Int32Array
  /** `[m·d]` of each picture. */
  readonly features: readonly Float32Array[]
  /** Whether a token is a place of a picture. */
  isImage(token: number): boolean
  /** The first place from a token on that is not inside of a picture. */
  cutAfter(token: number): number
  /** Features of the pictures among these tokens. */
  featuresOf(from: number, end: number): readonly Float32Array[]
  /** `[l·v]` of the tokens from `from` up to `end`. */
  logits(from: number, end?: number): Float32Array
}

/** A small generator of our own, so that a failure can be seen again. @returns a whole number below its argument */
export function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/**
 * Text with pictures among it.
 *
 * @param pictures - how many tokens of text stand before each
 */
export async function tokenStream(
  model: Gemma3VLModel,
  seed: number,
  tokens: number,
  pictures: readonly number[] = [],
): Promise<TokenStream> {
  const next = numbers(seed)
  const { tokensPerImage, boiTokenId, imageTokenId, eoiTokenId, bosTokenId, text } = model.config
  const words = (count: number) => Array.from({ length: count }, () => FIRST_TEXT + next(LAST_TEXT - FIRST_TEXT))
  const picture = [boiTokenId, ...new Array<number>(tokensPerImage).fill(imageTokenId), eoiTokenId]
  const start = [bosTokenId, ...pictures.flatMap((before) => [...words(before), ...picture])]
  const ids = Int32Array.from([...start, ...words(tokens - start.length)])
  const size = tokensPerImage * text.hiddenSize
  const features = pictures.map(() => Float32Array.from({ length: size }, () => next(2000) / 1000 - 1))
  // One run on an empty cache, which knows nothing of slots.
  const { logits } = await model.forward({ inputIds: ids, imageFeatures: features, partTokens: tokens })
  const isImage = (token: number) => ids[token] === imageTokenId
  const starts = [...ids.keys()].filter((token) => isImage(token) && !isImage(token - 1))
  return {
    ids,
    features,
    isImage,
    cutAfter(token) {
      let cut = token
      while (isImage(cut - 1) && isImage(cut)) cut++
      return Math.min(cut, tokens)
    },
    featuresOf: (from, end) => features.filter((_, n) => from <= (starts[n] ?? -1) && (starts[n] ?? -1) < end),
    logits: (from, end = from + 1) => logits.subarray(from * text.vocabSize, end * text.vocabSize),
  }
}
