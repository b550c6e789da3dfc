import { z } from 'zod'
import { boundedList } from '../bounded-list.ts'
import { chatCompletionRequest } from './chat-request.ts'
import { functionName } from './chat-tools.ts'
import { responsesInput } from './responses-items.ts'

const MOST_TOOLS = 128
const MOST_METADATA = 16

/** What an answer has to be. */
const textFormat = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('text') }),
  z.looseObject({ type: z.literal('json_object') }),
  z.looseObject({
    type: z.literal('json_schema'),
    name: z.string().min(1).max(128),
    schema: z.record(z.string(), z.unknown()),
    description: z.string().nullish(),
    /** Accepted; answers always fit their schema here. */
    strict: z.boolean().nullish(),
  }),
])

/** A function that the model may call. */
const functionTool = z.looseObject({
  type: z.literal('function'),
  name: functionName,
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  strict: z.boolean().nullish(),
})

const namedFunction = z.looseObject({ type: z.literal('function'), name: functionName })

const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.discriminatedUnion('type', [
    namedFunction,
    z.looseObject({
      type: z.literal('allowed_tools'),
      mode: z.enum(['auto', 'required']),
      tools: boundedList(namedFunction, [1, MOST_TOOLS]),
    }),
  ]),
])

/** What may be named for the answer to include. Only the log probabilities are more than there is without asking. */
const includable = z.enum([
  'message.output_text.logprobs',
  'message.input_image.image_url',
  'reasoning.encrypted_content',
  'file_search_call.results',
  'web_search_call.results',
  'web_search_call.action.sources',
  'computer_call_output.output.image_url',
  'code_interpreter_call.outputs',
])

const metadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((pairs) => Object.keys(pairs).length <= MOST_METADATA, `expected at most ${MOST_METADATA} pairs`)

/** The fields that mean in the Responses API what they mean in the chat API; vLLM's extensions among them. */
const sharedFields = chatCompletionRequest.pick({
  model: true,
  temperature: true,
  top_p: true,
  top_k: true,
  min_p: true,
  presence_penalty: true,
  frequency_penalty: true,
  repetition_penalty: true,
  logit_bias: true,
  seed: true,
  stop: true,
  stop_token_ids: true,
  ignore_eos: true,
  min_tokens: true,
  structured_outputs: true,
  top_logprobs: true,
  parallel_tool_calls: true,
  stream: true,
  user: true,
  safety_identifier: true,
  prompt_cache_key: true,
  cache_salt: true,
  service_tier: true,
  priority: true,
})

/** Their names. */
export const SHARED_FIELDS: readonly string[] = Object.keys(sharedFields.shape)

/**
 * The body of `POST /v1/responses`, as clients send it. Optional fields may be null.
 *
 * @see https://platform.openai.com/docs/api-reference/responses/create
 */
export const responsesRequest = z.looseObject({
  ...sharedFields.shape,
  input: responsesInput,
  /** A system message in front of everything; that of an earlier response is not taken over. */
  instructions: z.string().nullish(),
  max_output_tokens: chatCompletionRequest.shape.max_completion_tokens,
  text: z.looseObject({ format: textFormat.nullish() }).nullish(),
  tools: boundedList(functionTool, [0, MOST_TOOLS]).nullish(),
  tool_choice: toolChoice.nullish(),
  /** Whether the response can be asked for and gone on with later. True unless told otherwise, as OpenAI has it. */
  store: z.boolean().nullish(),
  /** Go on with the conversation of this stored response. */
  previous_response_id: z.string().min(1).max(128).nullish(),
  /** Given back with the response. */
  metadata: metadata.nullish(),
  include: boundedList(includable, [0, 32]).nullish(),
  /** Accepted; events are never padded. */
  stream_options: z.looseObject({ include_obfuscation: z.boolean().nullish() }).nullish(),
})

/** @see {@link responsesRequest} */
export type ResponsesBody = z.infer<typeof responsesRequest>
