import type { TextConfig, VisionConfig } from '../gemma3/config.ts'
import { BYTES_PER_ELEMENT } from '../graph/runtime.ts'
import { PART_TOKENS } from './prompt-tokens.ts'

/** The runtime asks for memory in pieces of twice the size each time: of the last one, a part is never used. */
const ARENA_SLACK = 1.25

/**
 * Whichever half of a decoder layer needs more, beside the residual stream, its norm and both masks: attention writes out
 * the scores of every query head, the MLP its wide state before and after the activation.
 */
export function promptBytesOf(text: TextConfig, capacityTokens: number): number {
  const { hiddenSize, intermediateSize, queryHeads, keyHeads, headSize } = text
  const tokens = Math.min(PART_TOKENS, capacityTokens)
  const heads = 2 * (queryHeads + 2 * keyHeads) * headSize
  const attention = heads + queryHeads * capacityTokens
  const masks = 2 * capacityTokens
  const widest = 3 * hiddenSize + masks + Math.max(attention, 2 * intermediateSize)
  return ARENA_SLACK * tokens * widest * BYTES_PER_ELEMENT.float32
}

/**
 * As of a decoder layer. Attention holds queries, keys, values, each once more by heads, and its result; scores are made
 * in tiles and do not count.
 */
export function pictureBytesOf({ imageSize, patchSize, hiddenSize, intermediateSize }: VisionConfig): number {
  const patches = (imageSize / patchSize) ** 2
  const attention = 7 * hiddenSize
  const mlp = hiddenSize + 2 * intermediateSize
  return ARENA_SLACK * patches * (hiddenSize + Math.max(attention, mlp)) * BYTES_PER_ELEMENT.float32
}
