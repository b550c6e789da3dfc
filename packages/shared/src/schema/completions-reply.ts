import { z } from 'zod'
import { usage } from './chat-completion.ts'

/** How likely the tokens of an answer were, in the four lists of the older API. */
const logprobs = z
  .object({
    /** A token that is no whole characters is written `bytes:\xe2\x82`. */
    tokens: z.array(z.string()),
    token_logprobs: z.array(z.number()),
    /** The likeliest tokens at each place, the one that was taken among them; empty records when none were asked for. */
    top_logprobs: z.array(z.record(z.string(), z.number())),
    /** Where each token begins in `text`, characters. */
    text_offset: z.array(z.int().min(0)),
  })
  .nullable()

/** How likely the tokens of an answer were. */
export type CompletionLogprobs = z.infer<typeof logprobs>

/**
 * The reply of `POST /v1/completions`, and one event of it when it is streamed: `finish_reason` is null until the end then,
 * and `usage` stands in an event without choices.
 */
export const textCompletion = z.object({
  id: z.string(),
  object: z.literal('text_completion'),
  created: z.int(),
  model: z.string(),
  /** Changes when what is served under the model's name does. */
  system_fingerprint: z.string(),
  choices: z.array(
    z.object({
      index: z.int().min(0),
      text: z.string(),
      logprobs,
      finish_reason: z.enum(['stop', 'length']).nullable(),
    }),
  ),
  usage: usage.nullable().optional(),
})

/** The reply of `POST /v1/completions`, or an event of it, as {@link textCompletion} describes it. */
export type TextCompletion = z.infer<typeof textCompletion>
