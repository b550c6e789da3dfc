import { AppError } from '../errors/index.ts'
import type { ChatCompletionRequest } from './chat-request.ts'
import { readStructuredOutput, type StructuredOutput } from './structured-output.ts'

/** How to answer. What is undefined takes the model's own default. */
export interface AnswerOptions {
  /** Most tokens to answer with. */
  readonly maxTokens: number | undefined
  /** 0 takes the likeliest token each time. */
  readonly temperature: number | undefined
  /** Sample among the likeliest tokens that together have this probability. */
  readonly topP: number | undefined
  /** 0 is no limit. */
  readonly topK: number | undefined
  /** The same seed, prompt and options give the same answer. */
  readonly seed: number | undefined
  /** The answer ends before the first of these. */
  readonly stop: readonly string[]
  /** These end the answer besides the model's own end tokens. */
  readonly stopTokenIds: readonly number[]
  /** Go on past the model's end tokens. */
  readonly ignoreEos: boolean
  /** Sample among the tokens that are at least this share as likely as the likeliest. */
  readonly minP: number | undefined
  /** Of tokens that the answer holds. */
  readonly presencePenalty: number | undefined
  /** Of tokens that the answer holds, for each time. */
  readonly frequencyPenalty: number | undefined
  /** Of tokens that prompt or answer hold, as a factor. */
  readonly repetitionPenalty: number | undefined
  /** What is added to the scores of tokens, by token id. */
  readonly logitBias: Readonly<Record<string, number>> | undefined
  /** How many answers. */
  readonly choices: number
  /** Tell how likely each token was, and so many likeliest ones beside it; undefined tells nothing. */
  readonly topLogprobs: number | undefined
  /** The answer ends no earlier, but for its `maxTokens`. */
  readonly minTokens: number
  /** Show the stop string that ended the answer. */
  readonly showsStop: boolean
  /** What the answer has to be. */
  readonly structure: StructuredOutput | undefined
}

/**
 * Reads how to answer.
 *
 * @throws AppError `request.invalid` for options that do not go together
 */
export function readAnswerOptions(request: ChatCompletionRequest): AnswerOptions {
  const { stop } = request
  return {
    ...readSampling(request),
    maxTokens: given(request.max_completion_tokens) ?? given(request.max_tokens),
    stop: typeof stop === 'string' ? [stop] : (stop ?? []),
    stopTokenIds: request.stop_token_ids ?? [],
    ignoreEos: request.ignore_eos ?? false,
    minTokens: request.min_tokens ?? 0,
    showsStop: request.include_stop_str_in_output ?? false,
    choices: request.n ?? 1,
    topLogprobs: readTopLogprobs(request),
    structure: readStructuredOutput(request),
  }
}

/** Null asks for nothing. */
function given<T>(value: T | null | undefined): T | undefined {
  return value ?? undefined
}

function readSampling(request: ChatCompletionRequest) {
  const { top_k: topK, top_p: topP } = request
  return {
    // Nothing but the likeliest token has a share of 0 before it: top_p 0 is greedy.
    temperature: topP === 0 ? 0 : given(request.temperature),
    topP: topP === 0 ? undefined : given(topP),
    topK: topK === -1 ? 0 : given(topK),
    minP: given(request.min_p),
    presencePenalty: given(request.presence_penalty),
    frequencyPenalty: given(request.frequency_penalty),
    repetitionPenalty: given(request.repetition_penalty),
    logitBias: given(request.logit_bias),
    seed: typeof request.seed === 'number' ? Math.abs(request.seed) : undefined,
  }
}

function readTopLogprobs({ logprobs, top_logprobs: top }: ChatCompletionRequest): number | undefined {
  if (logprobs === true) return top ?? 0
  if ((top ?? 0) === 0) return undefined
  throw new AppError('request.invalid', 'top_logprobs: expected "logprobs": true beside it.', { param: 'top_logprobs' })
}
