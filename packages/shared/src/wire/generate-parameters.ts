import { z } from 'zod'
import { boundedList } from '../bounded-list.ts'
import { AppError } from '../errors/index.ts'
import { generateGrammar } from './grammar.ts'

/** Answers to one prompt. */
export const MOST_CHOICES = 128
/** Likeliest tokens told beside each token of an answer. */
const MOST_TOP_LOGPROBS = 20
const MOST_BIASES = 1024

const tokenId = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)

/** Token ids, as JSON has keys, and what is added to their scores. Counted before it is looked at. */
const logitBias = z
  .record(z.string(), z.unknown())
  .refine((biases) => Object.keys(biases).length <= MOST_BIASES, `expected at most ${MOST_BIASES} tokens`)
  .pipe(z.record(z.string().regex(/^\d{1,9}$/, 'expected token ids as keys'), z.number().min(-100).max(100)))

/**
 * The `parameters` of a generate request. Everything is optional: what is absent takes the model's own defaults
 * (`generation_defaults` of its metadata). Unknown names are passed over, as the protocol asks.
 */
const generateParameters = z.object({
  /** Most tokens to answer with, those of an answer begun elsewhere not counted. */
  max_tokens: z.int().min(1).max(1_000_000).optional(),
  /** 0 takes the likeliest token each time. */
  temperature: z.number().min(0).max(100).optional(),
  /** Sample among this many likeliest tokens; 0 is all of them. */
  top_k: z.int().min(0).max(1_000_000).optional(),
  /** Sample among the likeliest tokens that together have this probability. */
  top_p: z.number().gt(0).max(1).optional(),
  /** Sample among the tokens that are at least this share as likely as the likeliest. */
  min_p: z.number().min(0).max(1).optional(),
  /** Divides the scores of tokens that prompt or answer hold. */
  repetition_penalty: z.number().gt(0).max(100).optional(),
  /** Taken off the scores of tokens that the answer holds. */
  presence_penalty: z.number().min(-100).max(100).optional(),
  /** Taken off the scores of tokens for each time that the answer holds them. */
  frequency_penalty: z.number().min(-100).max(100).optional(),
  /** Added to the scores of these tokens. */
  logit_bias: logitBias.optional(),
  /** The same seed, prompt and parameters give the same answer. */
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  /** So many last ids of the prompt are the beginning of the answer, made elsewhere: it goes on as it would have there. */
  first_position: z.int().min(0).max(1_000_000).optional(),
  /** Answers to make, each with its own draws; the first is that of a lone answer. */
  n: z.int().min(1).max(MOST_CHOICES).optional(),
  /** What the answer has to be. */
  grammar: generateGrammar.optional(),
  /** These end the answer besides the model's own end tokens. */
  stop_token_ids: boundedList(tokenId, [0, 64]).optional(),
  /** Go on past the model's end tokens, up to `max_tokens`. */
  ignore_eos: z.boolean().optional(),
  /** No end token ends the answer before it has so many tokens, those of an answer begun elsewhere counted. */
  min_tokens: z.int().min(0).max(1_000_000).optional(),
  /** Report the log probability of each token. */
  logprobs: z.boolean().optional(),
  /** With `logprobs`: report so many of the likeliest tokens beside each. */
  top_logprobs: z.int().min(0).max(MOST_TOP_LOGPROBS).optional(),
  /** Which tokenizer made the ids, by its digest in the metadata: a model that has another one refuses them. */
  tokenizer_digest: z.string().max(128).optional(),
  /** Lower runs first; 0 is normal. */
  priority: z.int().min(-100).max(100).optional(),
  /** Whom the request is for: fairness and caches are kept apart by it. */
  tenant: z.string().max(128).optional(),
  /** Caches are kept apart by it inside of a tenant, too; fairness is not. */
  cache_salt: z.string().max(512).optional(),
  request_id: z.string().max(128).optional(),
  /** Give up after this many milliseconds, waiting included. */
  timeout_ms: z.int().min(1).max(86_400_000).optional(),
})

/** How to answer: the `parameters` of a generate request. What is absent takes the model's own defaults. */
export type GenerateParameters = z.infer<typeof generateParameters>

/** Why an answer ended: an end token, or `max_tokens` or the context was reached. */
export type FinishReason = 'stop' | 'length'

/** How one of several answers ended. */
export const choiceSummary = z.object({
  finish_reason: z.enum(['stop', 'length']),
  completion_tokens: z.int().min(0),
})

/** How one of several answers ended. */
export type ChoiceSummary = z.infer<typeof choiceSummary>

/** What an answer cost and why it ended: the `parameters` of a generate answer. */
const generateSummary = z.object({
  /** Of several answers, why the first ended. */
  finish_reason: z.enum(['stop', 'length']),
  /** Tokens of the prompt, those of pictures included. */
  prompt_tokens: z.int().min(0),
  /** Tokens of all answers. */
  completion_tokens: z.int().min(0),
  /** Prompt tokens that stand for pictures. */
  image_tokens: z.int().min(0),
  /** Prompt tokens that were not computed again. */
  cached_tokens: z.int().min(0),
  /** Pictures whose features were already there. */
  images_cached: z.int().min(0),
  /** Each answer, where there are several. */
  choices: boundedList(choiceSummary, [2, MOST_CHOICES]).optional(),
})

/** What an answer cost and why it ended: the `parameters` of a generate answer. */
export type GenerateSummary = z.infer<typeof generateSummary>

/** Parses the parameters of a request. @throws AppError `request.invalid` naming the parameter */
export function parseGenerateParameters(value: unknown): GenerateParameters {
  const result = generateParameters.safeParse(value ?? {})
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = `parameters.${issue?.path.join('.')}`
  throw new AppError('request.invalid', `${path}: ${issue?.message}`, { param: path })
}

/** Parses the summary of an answer. @throws AppError `worker.lost` when the worker sent something else */
export function parseGenerateSummary(value: unknown): GenerateSummary {
  const result = generateSummary.safeParse(value)
  if (result.success) return result.data
  throw new AppError('worker.lost', 'The worker ended its answer without a summary.', { cause: result.error })
}
