import { z } from 'zod'
import { boundedList } from '../bounded-list.ts'
import { chatMessage } from './chat-message.ts'
import { toolFields } from './chat-tools.ts'
import { serviceTier } from './service-tier.ts'
import { structuredOutputFields } from './structured-output.ts'

/** More than this is no conversation: the context would be long full. */
const MAX_MESSAGES = 2048

const tokenCount = z.int().min(1).max(1_000_000).nullish()
/** As the worker takes them: int32. */
const tokenId = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)
const penalty = z.number().min(-2).max(2).nullish()
const MOST_BIASES = 1024
/** Counted before it is looked at. */
const logitBias = z
  .record(z.string(), z.unknown())
  .refine((biases) => Object.keys(biases).length <= MOST_BIASES, `expected at most ${MOST_BIASES} tokens`)
  .pipe(z.record(z.string().regex(/^\d{1,9}$/, 'expected token ids as keys'), z.number().min(-100).max(100)))
const stopString = z.string().min(1, 'expected a stop string of at least one character').max(256)

/** When the answer is streamed. */
const streamOptions = z.looseObject({
  /** Send a last chunk with the usage and no choices. */
  include_usage: z.boolean().nullish(),
  /** Send the usage so far with every chunk (an extension of vLLM). */
  continuous_usage_stats: z.boolean().nullish(),
})

/**
 * The body of `POST /v1/chat/completions`, as clients send it. Optional fields may be null.
 *
 * Fields that are not here are either refused by name or accepted and named in a warning.
 *
 * @see https://platform.openai.com/docs/api-reference/chat/create; `top_k`, `min_p`, `repetition_penalty`, `ignore_eos`,
 * `min_tokens`, `stop_token_ids`, `include_stop_str_in_output`, `continue_final_message`, `add_generation_prompt`,
 * `cache_salt`, `priority`, `structured_outputs` and `guided_*` are extensions of vLLM
 */
export const chatCompletionRequest = z.looseObject({
  /** The name of a model, as `GET /v1/models` lists it. */
  model: z.string().min(1).max(256),
  /** The conversation, oldest first. */
  messages: boundedList(chatMessage, [1, MAX_MESSAGES]),
  /** 0 takes the likeliest token each time. */
  temperature: z.number().min(0).max(2).nullish(),
  /** Sample among the likeliest tokens that together have this probability. */
  top_p: z.number().min(0).max(1).nullish(),
  /** Sample among so many likeliest tokens; 0 and -1 switch it off. */
  top_k: z.int().min(-1).max(1_000_000).nullish(),
  /** Sample among the tokens that are at least this share as likely as the likeliest. */
  min_p: z.number().min(0).max(1).nullish(),
  /** Taken from the scores of tokens that the answer holds. */
  presence_penalty: penalty,
  /** Taken from the scores of tokens that the answer holds, for each time. */
  frequency_penalty: penalty,
  /** Makes tokens that prompt or answer hold less likely, as a factor. */
  repetition_penalty: z.number().gt(0).max(100).nullish(),
  /** Added to the scores of these tokens, by token id. */
  logit_bias: logitBias.nullish(),
  /** The same seed, prompt and options give the same answer. */
  seed: z.int().nullish(),
  /** The older name of `max_completion_tokens`, which wins when both are given. */
  max_tokens: tokenCount,
  /** Most tokens to answer with. */
  max_completion_tokens: tokenCount,
  /** The answer ends before the first of these. */
  stop: z.union([stopString, boundedList(stopString, [0, 16])]).nullish(),
  /** These end the answer besides the model's own end tokens. */
  stop_token_ids: boundedList(tokenId, [0, 64]).nullish(),
  /** Go on past the model's end tokens. */
  ignore_eos: z.boolean().nullish(),
  /** No end token and no stop string ends the answer before it has so many tokens. */
  min_tokens: z.int().min(0).max(1_000_000).nullish(),
  /** Show the stop string that has ended the answer. */
  include_stop_str_in_output: z.boolean().nullish(),
  /** Go on with the last message, an assistant's; `add_generation_prompt` is false then. */
  continue_final_message: z.boolean().nullish(),
  /** Begin a new message of the assistant's. True unless told otherwise. */
  add_generation_prompt: z.boolean().nullish(),
  /** Answers to the one conversation. */
  n: z.int().min(1).max(128).nullish(),
  /** Tell how likely each token was. */
  logprobs: z.boolean().nullish(),
  /** Beside each token, so many likeliest ones. */
  top_logprobs: z.int().min(0).max(20).nullish(),
  ...structuredOutputFields,
  ...toolFields,
  /** Send the answer as it is made, as server-sent events. */
  stream: z.boolean().nullish(),
  stream_options: streamOptions.nullish(),
  /** The caller's own name for its end user. Accepted; nothing depends on it. */
  user: z.string().max(512).nullish(),
  /** The newer name of `user`. */
  safety_identifier: z.string().max(512).nullish(),
  /** A hint which requests begin alike. Accepted; what they share is found without it. */
  prompt_cache_key: z.string().max(512).nullish(),
  /** Nothing that is remembered of the request serves one with another salt. */
  cache_salt: z.string().min(1).max(512).nullish(),
  /** `priority` goes before others, `flex` behind them. */
  service_tier: serviceTier.nullish(),
  /** Higher runs later; wins over `service_tier`. */
  priority: z.int().min(0).max(100).nullish(),
})

/** @see {@link chatCompletionRequest} */
export type ChatCompletionRequest = z.infer<typeof chatCompletionRequest>
