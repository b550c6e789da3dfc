import { z } from 'zod'

/** The reply of `POST /v1/embeddings`. */
export const embeddingList = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({
      object: z.literal('embedding'),
      /** Of the picture in the request. */
      index: z.int().min(0),
      /** `[d]` of length 1; as base64, float32 in little-endian order. */
      embedding: z.union([z.array(z.number()), z.base64()]),
    }),
  ),
  model: z.string(),
  /** What the pictures are in a prompt. */
  usage: z.object({ prompt_tokens: z.int().min(0), total_tokens: z.int().min(0) }),
})

/** The reply of `POST /v1/embeddings`, as {@link embeddingList} describes it. */
export type EmbeddingList = z.infer<typeof embeddingList>
