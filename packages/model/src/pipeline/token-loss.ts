/** A label that asks for no loss. */
export const IGNORED_LABEL = -100

/** What {@link tokenLoss} compares with. */
export interface Targets {
  /** `[r]` the id that should follow each token; -100 to ignore one. Already shifted by the caller. */
  readonly labels: ArrayLike<number>
  /** `[r]` factor of each loss; all 1 by default. */
  readonly lossMask?: ArrayLike<number> | undefined
}

/** What the head, or a shard of it, knows of the loss of each token. */
export interface LossTerms {
  /** `[r]` log Σ exp(logits) over the ids that it has */
  readonly logSumExp: Float64Array
  /** `[r]` the logit of the label; NaN where another shard has it */
  readonly labelLogits: Float64Array
}

/**
 * Both terms of each token, summed in float64.
 *
 * @param logits - `[r, w]` of the ids from `firstId` to `firstId + w - 1`
 * @param labels - `[r]`
 */
export function lossTerms(logits: Float32Array, labels: ArrayLike<number>, firstId = 0): LossTerms {
  const width = labels.length === 0 ? 0 : logits.length / labels.length
  const terms = { logSumExp: new Float64Array(labels.length), labelLogits: new Float64Array(labels.length) }
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] ?? IGNORED_LABEL
    const scores = logits.subarray(row * width, (row + 1) * width)
    terms.logSumExp[row] = logSumExp(scores)
    terms.labelLogits[row] = scores[label - firstId] ?? Number.NaN
  }
  return terms
}

/**
 * Cross entropy of each token, `log Σ exp(logits) - logits[label]`, over all shards of the head.
 *
 * @param shards - {@link lossTerms} of each, whichever their order
 * @returns `[r]`; 0 where the label is -100
 */
export function tokenLoss(shards: readonly LossTerms[], { labels, lossMask }: Targets): Float32Array {
  return Float32Array.from({ length: labels.length }, (_, row) => {
    if (labels[row] === IGNORED_LABEL) return 0
    const total = logSumExp(shards.map((shard) => shard.logSumExp[row] ?? Number.NaN))
    const ofLabel = shards.map((shard) => shard.labelLogits[row] ?? Number.NaN)
    const logit = ofLabel.find((value) => !Number.isNaN(value)) ?? Number.NaN
    return (total - logit) * (lossMask?.[row] ?? 1)
  })
}

function logSumExp(scores: Float32Array | readonly number[]): number {
  let top = Number.NEGATIVE_INFINITY
  for (const score of scores) if (score > top) top = score
  let sum = 0
  for (const score of scores) sum += Math.exp(score - top)
  return top + Math.log(sum)
}
