import { EXAMPLE_IDS, EXAMPLE_PICTURE, EXAMPLE_TIME, EXAMPLE_MODEL as model } from './example-values.ts'
import type { Operation } from './operation.ts'
import { ANSWER_ERRORS, PROMPT_ERRORS } from './operation-errors.ts'

const question = {
  role: 'user',
  content: [
    { type: 'input_image', image_url: EXAMPLE_PICTURE },
    { type: 'input_text', text: 'What colour is the square?' },
  ],
}
const response = {
  id: EXAMPLE_IDS.response,
  object: 'response',
  created_at: EXAMPLE_TIME,
  completed_at: EXAMPLE_TIME + 1,
  status: 'completed',
  error: null,
  incomplete_details: null,
  model,
  output: [
    {
      id: EXAMPLE_IDS.message,
      type: 'message',
      status: 'completed',
      role: 'assistant',
      content: [{ type: 'output_text', text: 'The square is red.', annotations: [], logprobs: [] }],
    },
  ],
  usage: {
    input_tokens: 273,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0, image_tokens: 256 },
    output_tokens: 5,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 278,
  },
  background: false,
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: {},
  parallel_tool_calls: true,
  previous_response_id: null,
  prompt_cache_key: null,
  reasoning: { effort: null, summary: null },
  safety_identifier: null,
  service_tier: 'default',
  store: true,
  temperature: null,
  text: { format: { type: 'text' } },
  tool_choice: 'auto',
  tools: [],
  top_logprobs: 0,
  top_p: null,
  truncation: 'disabled',
  user: null,
}
const pathParameters = { id: { description: 'The id of a stored response.', example: EXAMPLE_IDS.response } }

/** OpenAI's Responses API, and Anthropic's Messages. */
export const RESPONSE_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/responses',
    id: 'createResponse',
    tag: 'Responses',
    summary: 'Answer, and keep the conversation',
    description:
      'Stored for 30 days unless `store` is false, and gone on with by `previous_response_id`. Streamed events have names; ' +
      'the last is `response.completed`, `response.incomplete` or `response.failed`, and no `[DONE]` follows.',
    key: 'api',
    body: {
      kind: 'json',
      schema: 'ResponsesRequest',
      examples: {
        'A question about a picture': { model, input: [question], max_output_tokens: 64 },
        Streamed: { model, input: 'Name a colour.', stream: true },
        'Gone on with': { model, input: 'And of the sky?', previous_response_id: EXAMPLE_IDS.response },
      },
    },
    reply: {
      status: 200,
      description: 'The response.',
      json: { schema: 'Response', example: response },
      events: { schema: 'ResponseEvent', isNamed: true },
    },
    errors: [...ANSWER_ERRORS, 'response.previous_unknown'],
    sdk: { client: 'openai', call: 'responses.create' },
  },
  {
    method: 'post',
    path: '/v1/responses/input_tokens',
    id: 'countResponseTokens',
    tag: 'Responses',
    summary: 'What a response would cost',
    key: 'api',
    body: {
      kind: 'json',
      schema: 'ResponsesRequest',
      examples: { 'A question about a picture': { model, input: [question] } },
    },
    reply: {
      status: 200,
      description: 'Its tokens.',
      json: { schema: 'ResponseInputTokens', example: { object: 'response.input_tokens', input_tokens: 273 } },
    },
    errors: [...PROMPT_ERRORS, 'response.previous_unknown'],
    sdk: { client: 'openai', call: 'responses.input_tokens.count' },
  },
  {
    method: 'get',
    path: '/v1/responses/{id}',
    id: 'getResponse',
    tag: 'Responses',
    summary: 'Show a stored response',
    key: 'api',
    pathParameters,
    reply: { status: 200, description: 'The response.', json: { schema: 'Response', example: response } },
    errors: ['response.unknown', 'request.unsupported'],
    sdk: { client: 'openai', call: 'responses.retrieve' },
  },
  {
    method: 'delete',
    path: '/v1/responses/{id}',
    id: 'deleteResponse',
    tag: 'Responses',
    summary: 'Delete a stored response',
    key: 'api',
    pathParameters,
    reply: {
      status: 200,
      description: 'It is gone.',
      json: { schema: 'ResponseDeleted', example: { id: EXAMPLE_IDS.response, object: 'response', deleted: true } },
    },
    errors: ['response.unknown'],
    sdk: { client: 'openai', call: 'responses.delete' },
  },
  {
    method: 'get',
    path: '/v1/responses/{id}/input_items',
    id: 'listInputItems',
    tag: 'Responses',
    summary: 'List what a stored response was asked',
    key: 'api',
    pathParameters,
    query: 'ItemPageQuery',
    reply: {
      status: 200,
      description: 'A page of items.',
      json: {
        schema: 'ResponseItemList',
        example: {
          object: 'list',
          data: [
            {
              id: EXAMPLE_IDS.message,
              type: 'message',
              status: 'completed',
              role: 'user',
              content: [{ type: 'input_text', text: 'Name a colour.' }],
            },
          ],
          first_id: EXAMPLE_IDS.message,
          last_id: EXAMPLE_IDS.message,
          has_more: false,
        },
      },
    },
    errors: ['response.unknown', 'request.invalid'],
    sdk: { client: 'openai', call: 'responses.input_items.list' },
  },
  {
    method: 'post',
    path: '/v1/messages',
    id: 'createMessage',
    tag: 'Messages',
    summary: 'Answer, as Anthropic’s clients ask',
    description:
      'Errors have Anthropic’s form. In a stream what was read from the cache is known at its end: `message_delta` has the figures that hold.',
    key: 'api',
    body: {
      kind: 'json',
      schema: 'MessagesRequest',
      examples: {
        'A question about a picture': { model, max_tokens: 64, messages: [anthropicQuestion()] },
        Streamed: { model, max_tokens: 64, stream: true, messages: [{ role: 'user', content: 'Name a colour.' }] },
      },
    },
    reply: {
      status: 200,
      description: 'The message.',
      json: { schema: 'AnthropicMessage', example: anthropicAnswer() },
      events: { schema: 'AnthropicEvent', isNamed: true },
    },
    errors: ANSWER_ERRORS,
    sdk: { client: 'anthropic', call: 'messages.create' },
  },
  {
    method: 'post',
    path: '/v1/messages/count_tokens',
    id: 'countMessageTokens',
    tag: 'Messages',
    summary: 'What a message would cost',
    key: 'api',
    body: {
      kind: 'json',
      schema: 'CountTokensRequest',
      examples: { 'A question about a picture': { model, messages: [anthropicQuestion()] } },
    },
    reply: {
      status: 200,
      description: 'Its tokens.',
      json: { schema: 'MessageTokens', example: { input_tokens: 273 } },
    },
    errors: PROMPT_ERRORS,
    sdk: { client: 'anthropic', call: 'messages.count_tokens' },
  },
]

function anthropicQuestion() {
  const data = EXAMPLE_PICTURE.slice(EXAMPLE_PICTURE.indexOf(',') + 1)
  return {
    role: 'user',
    content: [
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data } },
      { type: 'text', text: 'What colour is the square?' },
    ],
  }
}

function anthropicAnswer() {
  const nothing = { stop_sequence: null, stop_details: null, container: null, diagnostics: null }
  return {
    id: EXAMPLE_IDS.message,
    type: 'message',
    role: 'assistant',
    model,
    content: [{ type: 'text', text: 'The square is red.', citations: null }],
    stop_reason: 'end_turn',
    ...nothing,
    usage: {
      input_tokens: 273,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: 5,
      cache_creation: null,
      output_tokens_details: null,
      server_tool_use: null,
      service_tier: 'standard',
      inference_geo: null,
      speed: null,
    },
  }
}
