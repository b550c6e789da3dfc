import { z } from 'zod'
import { boundedList } from '../bounded-list.ts'
import { chatMessage } from './chat-message.ts'

/** More than this is no conversation: the context would be long full. */
const MAX_MESSAGES = 2048

const tokenCount = z.int().min(1).max(1_000_000).nullish()
/** As the worker takes them: int32. */
const tokenId = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)
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
 * Fields that are not here are either refused by name (`refused-features.ts`) or accepted and named in a warning.
 *
 * @see https://platform.openai.com/docs/api-reference/chat/create; `top_k`, `ignore_eos` and `stop_token_ids` are
 * extensions of vLLM
 */
export const chatCompletionRequest = z.looseObject({
  model: z.string().min(1).max(256),
  messages: boundedList(chatMessage, [1, MAX_MESSAGES]),
  /** 0 takes the likeliest token each time. */
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  /** 0 and -1 switch it off. */
  top_k: z.int().min(-1).max(1_000_000).nullish(),
  seed: z.int().nullish(),
  /** The older name of `max_completion_tokens`, which wins when both are given. */
  max_tokens: tokenCount,
  max_completion_tokens: tokenCount,
  stop: z.union([stopString, boundedList(stopString, [0, 16])]).nullish(),
  stop_token_ids: boundedList(tokenId, [0, 64]).nullish(),
  ignore_eos: z.boolean().nullish(),
  n: z.int().min(1).max(128).nullish(),
  stream: z.boolean().nullish(),
  stream_options: streamOptions.nullish(),
  /** The caller's own name for its end user. Accepted; nothing depends on it. */
  user: z.string().max(512).nullish(),
})

/** @see {@link chatCompletionRequest} */
export type ChatCompletionRequest = z.infer<typeof chatCompletionRequest>
