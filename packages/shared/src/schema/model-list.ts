import { z } from 'zod'

/** One model of `GET /v1/models`. The last three fields are ours; clients pass them over. */
export const modelCard = z.object({
  id: z.string(),
  object: z.literal('model'),
  /** Seconds since 1970. A worker does not know when its model was made: 0. */
  created: z.int(),
  owned_by: z.string(),
  /** Tokens of prompt and answer together. */
  context_length: z.int().min(1),
  /** Prompt tokens that one picture takes; 0 for a model that takes none. */
  tokens_per_image: z.int().min(0),
  input_modalities: z.array(z.enum(['text', 'image'])),
})

/** One model of `GET /v1/models`: its id, its context and what a picture costs. */
export type ModelCard = z.infer<typeof modelCard>

/** The reply of `GET /v1/models`. */
export const modelCards = z.object({ object: z.literal('list'), data: z.array(modelCard) })

/** The reply of `GET /v1/models`, as {@link modelCards} describes it. */
export type ModelCards = z.infer<typeof modelCards>
