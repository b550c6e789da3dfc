import { z } from 'zod'
import { boundedList } from '../bounded-list.ts'
import { functionName } from './chat-tools.ts'
import { contentPart } from './content-part.ts'

/** As many as an answer here may have, and more. */
const MOST_CALLS = 256

/** A string, a list of parts, or null, which is the empty string. */
const content = z.union([z.string(), z.null(), z.array(contentPart)])

const name = z.string().max(256).nullish()
const callId = z.string().min(1).max(256)

/** Instructions. `developer` is the newer name of the same role. */
const instructionMessage = z.looseObject({ role: z.enum(['system', 'developer']), content, name })

const userMessage = z.looseObject({ role: z.literal('user'), content, name })

/** A call that an earlier answer has made, as it was told. */
const toolCall = z.looseObject({
  id: callId,
  type: z.literal('function').nullish(),
  function: z.looseObject({ name: functionName, arguments: z.string() }),
})

/** An earlier answer. Clients send its unused fields back as null. */
const assistantMessage = z.looseObject({
  role: z.literal('assistant'),
  content: content.optional(),
  name,
  refusal: z.string().nullish(),
  tool_calls: boundedList(toolCall, [0, MOST_CALLS]).nullish(),
})

/** What a function gave. */
const toolMessage = z.looseObject({ role: z.literal('tool'), content, name, tool_call_id: callId })

/** One message of a conversation, as clients send it. */
export const chatMessage = z.discriminatedUnion('role', [
  instructionMessage,
  userMessage,
  assistantMessage,
  toolMessage,
])

/** @see {@link chatMessage} */
export type ChatMessage = z.infer<typeof chatMessage>
