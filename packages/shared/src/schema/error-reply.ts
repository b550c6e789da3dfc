import { z } from 'zod'

/** The body of every failed reply, and of the event that ends a failed stream. All four fields are always there. */
export const errorReply = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
})
