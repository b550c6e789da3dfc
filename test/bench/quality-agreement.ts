/** How far what a model says is from what its reference says. Sums are in float64. */
import { cosine } from '../support/cosine.ts'

/** What is counted over all places that were added. */
export interface Agreement {
  /** How many distributions over the vocabulary were compared. */
  readonly tokens: number
  /** KL(reference ‖ found) of a token, nats. */
  readonly meanKl: number
  readonly worstKl: number
  /** Share of tokens whose likeliest next token is the same, 0 to 1. */
  readonly sameTop: number
  /** Largest absolute difference of a logit. */
  readonly worstLogit: number
  /** Of the tokens that really follow; absent where nobody knows them. */
  readonly loss?: LossChange
  /** Answers that are the expected one from the first token to the last; absent where there are none. */
  readonly answers?: { readonly asked: number; readonly right: number }
  /** Cosine of each image feature with that of the reference; absent where there are no pictures. */
  readonly features?: { readonly meanCosine: number; readonly worstCosine: number }
}

/** Cross entropy, nats a token. */
export interface LossChange {
  /** `exp` of the mean. */
  readonly perplexity: number
  /** Mean over the tokens of found - reference. */
  readonly change: number
  /** Standard error of that mean: what other tokens of the same kind would move it by. */
  readonly standardError: number
}

/** The logits of some tokens, by a model and by its reference. */
export interface LogitsToCompare {
  /** `[r·v]` */
  readonly reference: Float32Array
  /** `[r·v]` */
  readonly found: Float32Array
  /** r */
  readonly tokens: number
  /** `[r]` what really follows each. */
  readonly targets?: readonly number[] | undefined
  /** Whether these tokens are one answer, right or wrong as a whole. */
  readonly isAnswer?: boolean | undefined
}

/** Collects an {@link Agreement}. */
export class AgreementTally {
  readonly #kl: number[] = []
  readonly #losses: number[] = []
  readonly #changes: number[] = []
  readonly #cosines: number[] = []
  #sameTop = 0
  #worstLogit = 0
  #asked = 0
  #right = 0

  addLogits({ reference, found, tokens, targets, isAnswer = false }: LogitsToCompare): void {
    const width = reference.length / tokens
    let isRight = true
    for (let token = 0; token < tokens; token++) {
      const expected = reference.subarray(token * width, (token + 1) * width)
      const scores = found.subarray(token * width, (token + 1) * width)
      const [top, expectedTop] = [likeliest(scores), likeliest(expected)]
      this.#kl.push(divergence(expected, scores))
      this.#worstLogit = Math.max(this.#worstLogit, largestDifference(expected, scores))
      if (top === expectedTop) this.#sameTop++
      const target = targets?.[token]
      if (target === undefined) continue
      const loss = logSumExp(scores) - (scores[target] ?? Number.NaN)
      this.#losses.push(loss)
      this.#changes.push(loss - (logSumExp(expected) - (expected[target] ?? Number.NaN)))
      isRight &&= top === target
    }
    if (!isAnswer) return
    this.#asked++
    if (isRight) this.#right++
  }

  /** @param width - numbers of one feature */
  addFeatures(reference: Float32Array, found: Float32Array, width: number): void {
    for (let start = 0; start < reference.length; start += width) {
      this.#cosines.push(cosine(reference.subarray(start, start + width), found.subarray(start, start + width)))
    }
  }

  get result(): Agreement {
    return {
      tokens: this.#kl.length,
      meanKl: mean(this.#kl),
      worstKl: this.#kl.reduce((worst, kl) => Math.max(worst, kl), 0),
      sameTop: this.#sameTop / this.#kl.length,
      worstLogit: this.#worstLogit,
      ...(this.#losses.length === 0 ? {} : { loss: lossChange(this.#losses, this.#changes) }),
      ...(this.#asked === 0 ? {} : { answers: { asked: this.#asked, right: this.#right } }),
      ...(this.#cosines.length === 0 ? {} : { features: spread(this.#cosines) }),
    }
  }
}

function lossChange(losses: readonly number[], changes: readonly number[]): LossChange {
  const change = mean(changes)
  const variance = mean(changes.map((value) => (value - change) ** 2))
  return { perplexity: Math.exp(mean(losses)), change, standardError: Math.sqrt(variance / changes.length) }
}

function spread(cosines: readonly number[]) {
  return { meanCosine: mean(cosines), worstCosine: cosines.reduce((worst, value) => Math.min(worst, value), 1) }
}

/** KL(reference ‖ found) of the distributions that two rows of logits stand for, nats. */
function divergence(reference: Float32Array, found: Float32Array): number {
  const [expectedTotal, total] = [logSumExp(reference), logSumExp(found)]
  let sum = 0
  for (let id = 0; id < reference.length; id++) {
    const expected = (reference[id] ?? Number.NaN) - expectedTotal
    sum += Math.exp(expected) * (expected - ((found[id] ?? Number.NaN) - total))
  }
  return sum
}

function logSumExp(scores: Float32Array): number {
  const top = scores[likeliest(scores)] ?? Number.NaN
  let sum = 0
  for (const score of scores) sum += Math.exp(score - top)
  return top + Math.log(sum)
}

function likeliest(scores: Float32Array): number {
  let best = 0
  for (let id = 1; id < scores.length; id++) if ((scores[id] ?? 0) > (scores[best] ?? 0)) best = id
  return best
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  let worst = 0
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)))
  return worst
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
