import { z } from 'zod'
import { serviceTier } from './service-tier.ts'

/** Why an answer ended; null while a stream goes on. Other servers' values break clients. */
const finishReason = z.enum(['stop', 'length', 'tool_calls', 'content_filter'])

/** What a request cost, in tokens. */
export const usage = z.object({
  prompt_tokens: z.int().min(0),
  completion_tokens: z.int().min(0),
  total_tokens: z.int().min(0),
  /** Absent only in the running counts of `continuous_usage_stats`. */
  prompt_tokens_details: z.object({ cached_tokens: z.int().min(0), image_tokens: z.int().min(0) }).optional(),
})

/** What a request cost, in tokens. */
export type Usage = z.infer<typeof usage>

const tokenLogprob = z.object({
  token: z.string(),
  /** Natural. */
  logprob: z.number(),
  /** UTF-8: a token need not be whole characters. */
  bytes: z.array(z.int().min(0).max(255)),
})

/** How likely the tokens of an answer were, in their order. */
const logprobs = z
  .object({
    content: z.array(z.object({ ...tokenLogprob.shape, top_logprobs: z.array(tokenLogprob) })),
    refusal: z.null(),
  })
  .nullable()

/** How likely the tokens of an answer were. */
export type Logprobs = z.infer<typeof logprobs>

/** A call of one of the functions that the request named. */
const toolCall = z.object({
  id: z.string(),
  type: z.literal('function'),
  /** `arguments` is the JSON text of an object that the function's schema takes, unless the length cut it off. */
  function: z.object({ name: z.string(), arguments: z.string() }),
})

/** A call of one of the functions that the request named. */
export type ChatToolCall = z.infer<typeof toolCall>

const choice = z.object({
  index: z.int().min(0),
  message: z.object({
    role: z.literal('assistant'),
    /** Null beside calls. */
    content: z.string().nullable(),
    refusal: z.null(),
    tool_calls: z.array(toolCall).optional(),
  }),
  logprobs,
  finish_reason: finishReason,
})

/** Under which the answer was made. */
const circumstances = {
  /** Changes when what is served under the model's name does. */
  system_fingerprint: z.string(),
  /** Present when the request asked for one. */
  service_tier: serviceTier.optional(),
}

/** The reply of `POST /v1/chat/completions`. */
export const chatCompletion = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int(),
  model: z.string(),
  choices: z.array(choice),
  usage,
  ...circumstances,
})

/** The reply of `POST /v1/chat/completions`, as {@link chatCompletion} describes it. */
export type ChatCompletion = z.infer<typeof chatCompletion>

/** The first of a call has all but its arguments; the pieces of those make up the whole. */
const toolCallDelta = z.object({
  index: z.int().min(0),
  id: z.string().optional(),
  type: z.literal('function').optional(),
  function: z.object({ name: z.string().optional(), arguments: z.string() }),
})

const chunkChoice = z.object({
  index: z.int().min(0),
  /** The first has the role, exactly once; the last is empty. */
  delta: z.object({
    role: z.literal('assistant').optional(),
    content: z.string().optional(),
    refusal: z.null().optional(),
    tool_calls: z.array(toolCallDelta).optional(),
  }),
  logprobs,
  finish_reason: finishReason.nullable(),
})

/** One event of the streamed reply. `id`, `created` and `model` stay the same throughout. */
export const chatCompletionChunk = z.object({
  id: z.string(),
  object: z.literal('chat.completion.chunk'),
  created: z.int(),
  model: z.string(),
  /** Empty in the usage chunk only. */
  choices: z.array(chunkChoice),
  /** Present when usage was asked for: null until the last chunk. */
  usage: usage.nullable().optional(),
  ...circumstances,
})

/** One event of the streamed reply, as {@link chatCompletionChunk} describes it. */
export type ChatCompletionChunk = z.infer<typeof chatCompletionChunk>
