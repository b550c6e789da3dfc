import { z } from 'zod'

const count = z.int().min(0)

/** What a message took. Those read from a cache are not among the input tokens. */
const usage = z.object({
  input_tokens: count,
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
  output_tokens: count,
  cache_creation: z.null(),
  output_tokens_details: z.null(),
  server_tool_use: z.null(),
  service_tier: z.literal('standard'),
  inference_geo: z.null(),
  speed: z.null(),
})

const textBlock = z.object({ type: z.literal('text'), text: z.string(), citations: z.null() })

const toolUseBlock = z.object({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
  caller: z.object({ type: z.literal('direct') }),
})

const block = z.discriminatedUnion('type', [textBlock, toolUseBlock])

const stopReason = z.enum(['end_turn', 'max_tokens', 'stop_sequence', 'tool_use'])

/**
 * The reply of `POST /v1/messages`. What Loupe has nothing of is null, as Anthropic's clients type it.
 *
 * @see https://docs.anthropic.com/en/api/messages
 */
export const anthropicMessage = z.object({
  id: z.string().startsWith('msg_'),
  type: z.literal('message'),
  role: z.literal('assistant'),
  model: z.string(),
  content: z.array(block),
  stop_reason: stopReason.nullable(),
  /** The stop sequence that ended it, if one did. */
  stop_sequence: z.string().nullable(),
  stop_details: z.null(),
  container: z.null(),
  diagnostics: z.null(),
  usage,
})

const index = count
const delta = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text_delta'), text: z.string() }),
  z.object({ type: z.literal('input_json_delta'), partial_json: z.string() }),
])

/** The body of every failed reply, and of the event that ends a failed stream. `param` and `code` are Loupe's own. */
export const anthropicError = z.object({
  type: z.literal('error'),
  error: z.object({
    type: z.enum([
      'invalid_request_error',
      'authentication_error',
      'permission_error',
      'not_found_error',
      'request_too_large',
      'rate_limit_error',
      'api_error',
      'overloaded_error',
    ]),
    message: z.string(),
    param: z.string().nullable(),
    code: z.string(),
    /** Facts that a client may act on. */
    details: z.record(z.string(), z.unknown()).optional(),
  }),
  request_id: z.string(),
})

/** An event of a streamed message; it is sent under the name of its type. */
export const anthropicEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('message_start'), message: anthropicMessage }),
  z.object({ type: z.literal('content_block_start'), index, content_block: block }),
  z.object({ type: z.literal('content_block_delta'), index, delta }),
  z.object({ type: z.literal('content_block_stop'), index }),
  z.object({
    type: z.literal('message_delta'),
    delta: z.object({
      stop_reason: stopReason,
      stop_sequence: z.string().nullable(),
      stop_details: z.null(),
      container: z.null(),
    }),
    /** Of the whole message. */
    usage: usage.pick({
      input_tokens: true,
      cache_creation_input_tokens: true,
      cache_read_input_tokens: true,
      output_tokens: true,
      output_tokens_details: true,
      server_tool_use: true,
    }),
  }),
  z.object({ type: z.literal('message_stop') }),
  z.object({ type: z.literal('ping') }),
  anthropicError,
])

/** The reply of `POST /v1/messages/count_tokens`. */
export const messageTokens = z.object({ input_tokens: count })

/** A message, as {@link anthropicMessage} describes it. */
export type AnthropicMessage = z.infer<typeof anthropicMessage>
/** An event of a streamed message. */
export type AnthropicEvent = z.infer<typeof anthropicEvent>
/** What a failed reply says. */
export type AnthropicError = z.infer<typeof anthropicError>
/** How many tokens a prompt has. */
export type MessageTokens = z.infer<typeof messageTokens>
