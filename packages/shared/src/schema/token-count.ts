import { z } from 'zod'

const count = z.int().min(0)

/** The reply of `POST /v1/count`: what a chat request would cost, told before anything is computed. */
export const tokenCount = z.object({
  /** What `usage.prompt_tokens` of the answer would be: both of the next together. */
  input_tokens: count,
  text_tokens: count,
  /** Those that stand for pictures. */
  image_tokens: count,
  /** Pictures as the model sees them: each crop is one. */
  images: count,
  /** Tokens of prompt and answer together. */
  context_length: z.int().min(1),
  /** Whether the request would be taken: its prompt and the answer that it asks for fit the context together. */
  fits: z.boolean(),
  /** Tokens that are left for an answer. */
  max_answer_tokens: count,
})

/** The reply of `POST /v1/count`, as {@link tokenCount} describes it. */
export type TokenCount = z.infer<typeof tokenCount>
