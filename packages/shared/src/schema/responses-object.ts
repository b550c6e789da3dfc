import { z } from 'zod'
import { outputItem } from './responses-items.ts'

/** What a response cost, in tokens. */
const responseUsage = z.object({
  input_tokens: z.int().min(0),
  /** `image_tokens` is ours. Nothing is charged for writing to the cache. */
  input_tokens_details: z.object({
    cached_tokens: z.int().min(0),
    cache_write_tokens: z.literal(0),
    image_tokens: z.int().min(0),
  }),
  output_tokens: z.int().min(0),
  /** The model does not reason out of sight. */
  output_tokens_details: z.object({ reasoning_tokens: z.literal(0) }),
  total_tokens: z.int().min(0),
})

const textFormat = z.union([
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    name: z.string(),
    description: z.string().nullable(),
    schema: z.record(z.string(), z.unknown()),
    strict: z.boolean(),
  }),
])

const functionTool = z.object({
  type: z.literal('function'),
  name: z.string(),
  description: z.string().nullable(),
  parameters: z.record(z.string(), z.unknown()).nullable(),
  strict: z.boolean(),
})

const namedFunction = z.object({ type: z.literal('function'), name: z.string() })

/** The settings of a request, as its response repeats them. What was left to the model is null. */
const responseSettings = z.object({
  background: z.literal(false),
  instructions: z.string().nullable(),
  max_output_tokens: z.int().nullable(),
  max_tool_calls: z.null(),
  metadata: z.record(z.string(), z.string()),
  parallel_tool_calls: z.boolean(),
  previous_response_id: z.string().nullable(),
  prompt_cache_key: z.string().nullable(),
  reasoning: z.object({ effort: z.null(), summary: z.null() }),
  safety_identifier: z.string().nullable(),
  service_tier: z.enum(['default', 'flex', 'priority']),
  /** Whether the response can be asked for later. */
  store: z.boolean(),
  temperature: z.number().nullable(),
  text: z.object({ format: textFormat }),
  tool_choice: z.union([
    z.enum(['none', 'auto', 'required']),
    namedFunction,
    z.object({ type: z.literal('allowed_tools'), mode: z.enum(['auto', 'required']), tools: z.array(namedFunction) }),
  ]),
  tools: z.array(functionTool),
  top_logprobs: z.int(),
  top_p: z.number().nullable(),
  truncation: z.literal('disabled'),
  user: z.string().nullable(),
})

/** The settings of a request, as its response repeats them. */
export type ResponseSettings = z.infer<typeof responseSettings>

/** The reply of `POST /v1/responses` and of `GET /v1/responses/{id}`. */
export const responseObject = z.object({
  id: z.string(),
  object: z.literal('response'),
  /** Seconds since 1970. */
  created_at: z.int(),
  completed_at: z.int().nullable(),
  status: z.enum(['in_progress', 'completed', 'incomplete', 'failed']),
  error: z.object({ code: z.literal('server_error'), message: z.string() }).nullable(),
  incomplete_details: z.object({ reason: z.literal('max_output_tokens') }).nullable(),
  model: z.string(),
  output: z.array(outputItem),
  /** Null until the answer is complete. */
  usage: responseUsage.nullable(),
  ...responseSettings.shape,
})

/** A response, as {@link responseObject} describes it. */
export type ResponseObject = z.infer<typeof responseObject>

/** The reply of `POST /v1/responses/input_tokens`. */
export const responseInputTokens = z.object({
  object: z.literal('response.input_tokens'),
  input_tokens: z.int().min(0),
})

/** The reply of `POST /v1/responses/input_tokens`, as {@link responseInputTokens} describes it. */
export type ResponseInputTokens = z.infer<typeof responseInputTokens>

/** The reply of `DELETE /v1/responses/{id}`. */
export const responseDeleted = z.object({ id: z.string(), object: z.literal('response'), deleted: z.literal(true) })
