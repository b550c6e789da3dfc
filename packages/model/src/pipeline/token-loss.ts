/** A label that asks for no loss. */
export const IGNORED_LABEL = -100

/** What {@link tokenLoss} compares with. */
export interface Targets {
  /** `[r]` the id that should follow each token; -100 to ignore one. Already shifted by the caller. */
  readonly labels: ArrayLike<number>
  /** `[r]` factor of each loss; all 1 by default. */
  readonly lossMask?: ArrayLike<number> | undefined
}

/**
 * Cross entropy of each token, `log Σ exp(logits) - logits[label]`, summed in float64.
 *
 * @param logits - `[r, v]`
 * @returns `[r]`; 0 where the label is -100
 */
export function tokenLoss(logits: Float32Array, { labels, lossMask }: Targets): Float32Array {
  const vocabulary = labels.length === 0 ? 0 : logits.length / labels.length
  return Float32Array.from({ length: labels.length }, (_, row) => {
    const label = labels[row] ?? IGNORED_LABEL
    if (label === IGNORED_LABEL) return 0
    const scores = logits.subarray(row * vocabulary, (row + 1) * vocabulary)
    return (logSumExp(scores) - (scores[label] ?? Number.NaN)) * (lossMask?.[row] ?? 1)
  })
}

function logSumExp(scores: Float32Array): number {
  let top = Number.NEGATIVE_INFINITY
  for (const score of scores) if (score > top) top = score
  let sum = 0
  for (const score of scores) sum += Math.exp(score - top)
  return top + Math.log(sum)
}
