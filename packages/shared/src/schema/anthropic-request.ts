import { z } from 'zod'
import { boundedList } from '../bounded-list.ts'
import { anthropicInput, textContent } from './anthropic-blocks.ts'
import { chatCompletionRequest } from './chat-request.ts'
import { functionName } from './chat-tools.ts'

const MAX_MESSAGES = 2048
const MOST_TOOLS = 128

/** A function that the model may call. */
const tool = z.looseObject({
  type: z.literal('custom').nullish(),
  name: functionName,
  description: z.string().nullish(),
  /** JSON schema of an object. */
  input_schema: z.record(z.string(), z.unknown()),
  /** Accepted; arguments always fit their schema here. */
  strict: z.boolean().nullish(),
})

const parallel = z.boolean().nullish()

const toolChoice = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('auto'), disable_parallel_tool_use: parallel }),
  z.looseObject({ type: z.literal('any'), disable_parallel_tool_use: parallel }),
  z.looseObject({ type: z.literal('tool'), name: functionName, disable_parallel_tool_use: parallel }),
  z.looseObject({ type: z.literal('none') }),
])

const jsonFormat = z.looseObject({ type: z.literal('json_schema'), schema: z.record(z.string(), z.unknown()) })

const { model, temperature, top_p, top_k, user } = chatCompletionRequest.shape
const stopSequence = z.string().min(1, 'expected a stop sequence of at least one character').max(256)

/** The body of `POST /v1/messages/count_tokens`: a request for a message that need not say how long the answer may be. */
export const countTokensRequest = z.looseObject({
  model,
  messages: boundedList(anthropicInput, [1, MAX_MESSAGES]),
  system: textContent.nullish(),
  max_tokens: z.int().min(1).max(1_000_000).nullish(),
  stop_sequences: boundedList(stopSequence, [0, 16]).nullish(),
  temperature,
  top_p,
  top_k,
  tools: boundedList(tool, [0, MOST_TOOLS]).nullish(),
  tool_choice: toolChoice.nullish(),
  output_config: z.looseObject({ format: jsonFormat.nullish() }).nullish(),
  stream: z.boolean().nullish(),
  /** The caller's own name for its end user. Accepted; nothing depends on it. */
  metadata: z.looseObject({ user_id: user }).nullish(),
  service_tier: z.enum(['auto', 'standard_only']).nullish(),
  /** Accepted; what requests share is found without it. */
  cache_control: z.looseObject({ type: z.string() }).nullish(),
})

/**
 * The body of `POST /v1/messages`, as Anthropic's clients send it.
 *
 * @see https://docs.anthropic.com/en/api/messages
 */
export const messagesRequest = countTokensRequest.extend({ max_tokens: z.int().min(1).max(1_000_000) })

/** @see {@link countTokensRequest} */
export type MessagesBody = z.infer<typeof countTokensRequest>
