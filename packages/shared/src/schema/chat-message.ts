import { z } from 'zod'
import { contentPart } from './content-part.ts'

/** A string, a list of parts, or null, which is the empty string. */
const content = z.union([z.string(), z.null(), z.array(contentPart)])

const name = z.string().max(256).nullish()

/** Instructions. `developer` is the newer name of the same role. */
const instructionMessage = z.looseObject({ role: z.enum(['system', 'developer']), content, name })

const userMessage = z.looseObject({ role: z.literal('user'), content, name })

/** An earlier answer. Clients send its unused fields back as null. */
const assistantMessage = z.looseObject({
  role: z.literal('assistant'),
  content: content.optional(),
  name,
  refusal: z.string().nullish(),
})

/** One message of a conversation, as clients send it. */
export const chatMessage = z.discriminatedUnion('role', [instructionMessage, userMessage, assistantMessage])

/** @see {@link chatMessage} */
export type ChatMessage = z.infer<typeof chatMessage>
