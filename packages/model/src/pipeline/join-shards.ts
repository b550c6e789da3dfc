import type { ForwardRequest, ForwardResult } from './forward-request.ts'
import { tokenLoss } from './token-loss.ts'

/** What shards of a head make together. */
type JoinedHead = Pick<ForwardResult, 'logits' | 'logitShards' | 'tokenLoss' | 'lossTerms'>

/**
 * Puts the results of all shards of a head together.
 *
 * @param shards - in the order of the vocabulary
 * @param widths - how many ids each of them has
 */
export function joinShards(
  shards: readonly ForwardResult[],
  widths: readonly number[],
  { runtimeGatherOutput = true, labels, lossMask }: ForwardRequest,
): JoinedHead {
  const logits: readonly Float32Array[] = shards.map((shard) => shard.logits)
  const terms = shards.flatMap(({ lossTerms }) => (lossTerms === undefined ? [] : [lossTerms]))
  return {
    logits: runtimeGatherOutput ? sideBySide(logits, widths) : new Float32Array(),
    logitShards: runtimeGatherOutput ? [] : logits,
    tokenLoss: labels === undefined ? undefined : tokenLoss(terms, { labels, lossMask }),
    lossTerms: undefined,
  }
}

/** Rows of one width from rows of several. @param parts - `[r·w]` each */
function sideBySide(parts: readonly Float32Array[], widths: readonly number[]): Float32Array {
  const width = widths.reduce((sum, own) => sum + own, 0)
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let first = 0
  for (const [index, part] of parts.entries()) {
    const own = widths[index] ?? 0
    for (let row = 0; row * own < part.length; row++) {
      all.set(part.subarray(row * own, (row + 1) * own), row * width + first)
    }
    first += own
  }
  return all
}
