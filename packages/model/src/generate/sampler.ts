import { AppError } from '@loupe/shared/errors'
import { type Candidates, filterTokens } from './filters.ts'
import { uniformAt } from './random.ts'

/** How a token is chosen. */
export interface SamplingParams {
  /** 0 always takes the likeliest token; above that, higher is more even. */
  readonly temperature: number
  /** Draw from the k likeliest tokens; 0 for all. */
  readonly topK: number
  /** Draw from the likeliest tokens that together hold this share, 0 to 1; 1 for all. */
  readonly topP: number
  /** Any whole number; the same seed draws the same tokens. */
  readonly seed: number
}

/** Tokens that must never be chosen. */
export interface SamplerOptions {
  /** Ids from here on are never chosen: rows of the embedding table that no text maps to. */
  readonly vocabLimit?: number
  /** Further ids that are never chosen. */
  readonly bannedIds?: readonly number[]
}

/** A chosen token. */
export interface SampledToken {
  /** Below the size of the vocabulary. */
  readonly id: number
  /** Natural log of the model's own probability of the token: no temperature, no filter, no ban. */
  readonly logprob: number
}

/** Chooses tokens for one sequence. */
export interface Sampler {
  /**
   * Chooses the next token.
   *
   * @param logits - `[v]`, not changed
   * @param position - which token of the answer this is, from 0. With the seed it fixes the draw
   * @throws AppError `runtime.failed` if the logits hold a NaN, or no token that may be chosen
   */
  next(logits: Float32Array, position: number): SampledToken
}

/**
 * Makes a sampler. Filters run in Transformers' order: temperature, top-k, top-p.
 *
 * @throws AppError `request.invalid` naming the parameter that is out of range
 */
export function createSampler(params: SamplingParams, options: SamplerOptions = {}): Sampler {
  checkParams(params)
  return {
    next(logits, position) {
      const choices = withoutBanned(logits, options)
      const best = argmax(choices)
      const id = isGreedy(params, choices, best) ? best : draw(choices, best, params, position)
      return { id, logprob: logProbability(logits, id) }
    },
  }
}

function checkParams({ temperature, topK, topP, seed }: SamplingParams): void {
  checkRange('temperature', temperature, Number.isFinite(temperature) && temperature >= 0, 'a number of at least 0')
  checkRange('top_k', topK, Number.isSafeInteger(topK) && topK >= 0, 'a whole number of at least 0')
  checkRange('top_p', topP, topP >= 0 && topP <= 1, 'a number from 0 to 1')
  checkRange('seed', seed, Number.isSafeInteger(seed), 'a whole number')
}

function checkRange(param: string, value: number, isValid: boolean, expected: string): void {
  if (!isValid) throw new AppError('request.invalid', `${param}: expected ${expected}, found ${value}.`, { param })
}

function withoutBanned(logits: Float32Array, { vocabLimit, bannedIds = [] }: SamplerOptions): Float32Array {
  const choices = vocabLimit === undefined ? logits : logits.subarray(0, vocabLimit)
  if (bannedIds.length === 0) return choices
  const copy = choices.slice()
  for (const id of bannedIds) copy[id] = Number.NEGATIVE_INFINITY
  return copy
}

/** The lowest id among the largest logits. */
function argmax(logits: Float32Array): number {
  let best = -1
  let largest = Number.NEGATIVE_INFINITY
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id] as number // within bounds
    if (Number.isNaN(logit)) throw new AppError('runtime.failed', `Expected finite logits, found NaN for token ${id}.`)
    if (logit <= largest) continue
    best = id
    largest = logit
  }
  if (best < 0 || largest === Number.POSITIVE_INFINITY) {
    throw new AppError('runtime.failed', `Expected finite logits, found ${largest} as the largest of ${logits.length}.`)
  }
  return best
}

/** A temperature so low that float32 overflows leaves the best token alone with a chance, as temperature 0 does. */
function isGreedy({ temperature }: SamplingParams, logits: Float32Array, best: number): boolean {
  return temperature === 0 || !Number.isFinite(Math.fround((logits[best] as number) / Math.fround(temperature)))
}

function draw(logits: Float32Array, best: number, params: SamplingParams, position: number): number {
  const largest = logits[best] as number // `argmax` gave an index
  return pick(filterTokens(logits, largest, params), uniformAt(params.seed, position), best)
}

/** Inverts the distribution function, by rising id. */
function pick({ ids, weights }: Candidates, uniform: number, best: number): number {
  let left = uniform * weights.reduce((sum, weight) => sum + weight, 0)
  for (let at = 0; at < ids.length; at++) {
    left -= weights[at] as number // one weight an id
    if (left < 0) return ids[at] as number
  }
  // Rounding may leave a crumb.
  return best
}

function logProbability(logits: Float32Array, id: number): number {
  let largest = Number.NEGATIVE_INFINITY
  for (let at = 0; at < logits.length; at++) largest = Math.max(largest, logits[at] as number) // within bounds
  let sum = 0
  for (let at = 0; at < logits.length; at++) sum += Math.exp((logits[at] as number) - largest) // within bounds
  return (logits[id] as number) - largest - Math.log(sum) // the caller chose `id` among them
}
