import { AppError } from '@loupe/shared/errors'

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
  /** Draw from the tokens that are at least this share as likely as the likeliest, 0 to 1; 0, the default, for all. */
  readonly minP?: number | undefined
  /** Divides the score of a token that the prompt or the answer holds; above 0, 1 by default, which changes nothing. */
  readonly repetitionPenalty?: number | undefined
  /** Is taken off the score of a token that the answer holds; 0 by default. */
  readonly presencePenalty?: number | undefined
  /** Is taken off the score of a token for each time that the answer holds it; 0 by default. */
  readonly frequencyPenalty?: number | undefined
  /** Is added to the scores of these tokens. */
  readonly logitBias?: ReadonlyMap<number, number> | undefined
}

const SHARE = 'a number from 0 to 1'

/** @throws AppError `request.invalid` naming the parameter that is out of range */
export function checkSamplingParams(params: SamplingParams): void {
  const { temperature, topK, topP, seed, minP = 0, repetitionPenalty = 1 } = params
  check('temperature', temperature, [Number.isFinite(temperature) && temperature >= 0, 'a number of at least 0'])
  check('top_k', topK, [Number.isSafeInteger(topK) && topK >= 0, 'a whole number of at least 0'])
  check('top_p', topP, [topP >= 0 && topP <= 1, SHARE])
  check('min_p', minP, [minP >= 0 && minP <= 1, SHARE])
  check('seed', seed, [Number.isSafeInteger(seed), 'a whole number'])
  const isFactor = Number.isFinite(repetitionPenalty) && repetitionPenalty > 0
  check('repetition_penalty', repetitionPenalty, [isFactor, 'a number above 0'])
  checkFinite('presence_penalty', params.presencePenalty)
  checkFinite('frequency_penalty', params.frequencyPenalty)
  for (const bias of params.logitBias?.values() ?? []) checkFinite('logit_bias', bias)
}

function checkFinite(param: string, value = 0): void {
  check(param, value, [Number.isFinite(value), 'a finite number'])
}

function check(param: string, value: number, [isValid, expected]: readonly [boolean, string]): void {
  if (!isValid) throw new AppError('request.invalid', `${param}: expected ${expected}, found ${value}.`, { param })
}
