import { expOfNegative } from './exp.ts'
import { idsFrom, kthLogit, readLogitRow } from './logit-row.ts'

/** A token and how likely the model took it to be. */
export interface TokenLogprob {
  /** Below the size of the vocabulary. */
  readonly id: number
  /** Natural log of the model's own probability of the token: no temperature, no filter, no penalty, no ban. */
  readonly logprob: number
}

/**
 * The log probability of one token, and of the likeliest ones.
 *
 * @param logits - `[v]` as the model gave them
 * @param id - the token
 * @param likeliest - how many others to look at, at most; ids from `vocabLimit` on and `bannedIds` are left out
 * @returns `top`: the likeliest first, the lower id first of two that are equal
 */
export function logProbability(
  logits: Float32Array,
  id: number,
  likeliest: { readonly count: number; readonly vocabLimit: number; readonly bannedIds: readonly number[] },
): { readonly logprob: number; readonly top: readonly TokenLogprob[] } {
  const { largest, logSum } = normalizer(logits)
  // In this order: large logits would swallow the log of the sum.
  const logprobOf = (token: number) => (logits[token] as number) - largest - logSum // callers name tokens of the row
  const top = likeliestIds(logits, likeliest).map((token) => ({ id: token, logprob: logprobOf(token) }))
  return { logprob: logprobOf(id), top }
}

function normalizer(logits: Float32Array): { largest: number; logSum: number } {
  const largest = logits[readLogitRow(logits).best] as number // a token was chosen: there is one
  let sum = 0
  for (let at = 0; at < logits.length; at++) sum += expOfNegative((logits[at] as number) - largest) // within bounds
  return { largest, logSum: Math.log(sum) }
}

function likeliestIds(
  logits: Float32Array,
  { count, vocabLimit, bannedIds }: Parameters<typeof logProbability>[2],
): number[] {
  if (count === 0) return []
  const row = readLogitRow(logits.subarray(0, vocabLimit))
  const logitOf = (id: number) => row.logits[id] as number // an id of the row
  return idsFrom(row, kthLogit(row, count + bannedIds.length))
    .filter((id) => !bannedIds.includes(id))
    .sort((a, b) => logitOf(b) - logitOf(a) || a - b)
    .slice(0, count)
}
