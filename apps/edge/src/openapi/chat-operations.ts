import { EXAMPLE_IDS, EXAMPLE_PICTURE, EXAMPLE_PNG, EXAMPLE_TIME, EXAMPLE_MODEL as model } from './example-values.ts'
import type { Operation } from './operation.ts'
import { ANSWER_ERRORS, BODY_ERRORS, IMAGE_ERRORS, MODEL_ERRORS, PROMPT_ERRORS } from './operation-errors.ts'

const question = {
  role: 'user',
  content: [
    { type: 'image_url', image_url: { url: EXAMPLE_PICTURE } },
    { type: 'text', text: 'What colour is the square?' },
  ],
}
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather of a city.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}
const colour = { type: 'object', properties: { colour: { type: 'string' } }, required: ['colour'] }
const usage = {
  prompt_tokens: 273,
  completion_tokens: 5,
  total_tokens: 278,
  prompt_tokens_details: { cached_tokens: 0, image_tokens: 256 },
}

const created = { created: EXAMPLE_TIME, model, system_fingerprint: 'fp_5c0a3be1' }

/** Everything that asks the model, but Responses and Messages; and what looks at prompts. */
export const CHAT_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/chat/completions',
    id: 'createChatCompletion',
    tag: 'Chat',
    summary: 'Answer a conversation',
    description:
      'Pictures are `data:` URIs, `https:` addresses, or ids of uploaded files. With `stream` the answer comes as it is made: ' +
      'events of `chat.completion.chunk`, then `[DONE]`. What an answer cannot be held to is refused by name before it starts. ' +
      'Fields that are not known are accepted and named in `x-loupe-warning`.',
    key: 'api',
    body: {
      kind: 'json',
      schema: 'ChatCompletionRequest',
      examples: {
        'A question about a picture': { model, messages: [question], max_completion_tokens: 64 },
        Streamed: { model, messages: [question], stream: true, stream_options: { include_usage: true } },
        'Held to a JSON schema': {
          model,
          messages: [question],
          response_format: { type: 'json_schema', json_schema: { name: 'colour', strict: true, schema: colour } },
        },
        'With a function': {
          model,
          messages: [{ role: 'user', content: 'What is the weather in Bern?' }],
          tools: [weather],
        },
      },
    },
    reply: {
      status: 200,
      description: 'The answer.',
      json: {
        schema: 'ChatCompletion',
        example: {
          id: `chatcmpl-${EXAMPLE_IDS.request}`,
          object: 'chat.completion',
          ...created,
          choices: [
            {
              index: 0,
              message: { role: 'assistant', content: 'The square is red.', refusal: null },
              logprobs: null,
              finish_reason: 'stop',
            },
          ],
          usage,
        },
      },
      events: { schema: 'ChatCompletionChunk', isNamed: false, end: '[DONE]' },
    },
    errors: ANSWER_ERRORS,
    sdk: { client: 'openai', call: 'chat.completions.create' },
  },
  {
    method: 'post',
    path: '/v1/completions',
    id: 'createCompletion',
    tag: 'Completions',
    summary: 'Go on with a text',
    description: 'The prompt goes to the model as it is: texts, or the ids of tokens.',
    key: 'api',
    body: {
      kind: 'json',
      schema: 'CompletionRequest',
      examples: {
        'A text': { model, prompt: 'The primary colours are', max_tokens: 16 },
        'Two texts, streamed': { model, prompt: ['Red and', 'Blue and'], max_tokens: 8, stream: true },
      },
    },
    reply: {
      status: 200,
      description: 'The texts.',
      json: {
        schema: 'TextCompletion',
        example: {
          id: `cmpl-${EXAMPLE_IDS.request}`,
          object: 'text_completion',
          ...created,
          choices: [{ index: 0, text: ' red, yellow, and blue.', logprobs: null, finish_reason: 'stop' }],
          usage: {
            prompt_tokens: 5,
            completion_tokens: 7,
            total_tokens: 12,
            prompt_tokens_details: { cached_tokens: 0, image_tokens: 0 },
          },
        },
      },
      events: { schema: 'TextCompletion', isNamed: false, end: '[DONE]' },
    },
    errors: ANSWER_ERRORS,
    sdk: { client: 'openai', call: 'completions.create' },
  },
  {
    method: 'post',
    path: '/v1/embeddings',
    id: 'createEmbeddings',
    tag: 'Embeddings',
    summary: 'Describe pictures as numbers',
    description:
      'The mean of the features that the model itself sees of a picture, of length 1. Texts have no embeddings here.',
    key: 'api',
    body: {
      kind: 'json',
      schema: 'EmbeddingsRequest',
      examples: { 'One picture': { model, input: EXAMPLE_PICTURE, encoding_format: 'float' } },
    },
    reply: {
      status: 200,
      description: 'An embedding for each picture.',
      json: {
        schema: 'EmbeddingList',
        example: {
          object: 'list',
          data: [{ object: 'embedding', index: 0, embedding: [0.0125, -0.0311, 0.0042] }],
          model,
          usage: { prompt_tokens: 258, total_tokens: 258 },
        },
      },
    },
    errors: [...BODY_ERRORS, ...MODEL_ERRORS, ...IMAGE_ERRORS, 'quota.exceeded', 'queue.full', 'runtime.failed'],
    sdk: { client: 'openai', call: 'embeddings.create' },
  },
  {
    method: 'post',
    path: '/v1/count',
    id: 'countTokens',
    tag: 'Prompts',
    summary: 'What a chat request would cost',
    description: 'Takes the body of a chat request. Pictures count by their headers; nothing is decoded or computed.',
    key: 'api',
    body: {
      kind: 'json',
      schema: 'ChatCompletionRequest',
      examples: { 'A question about a picture': { model, messages: [question], max_completion_tokens: 64 } },
    },
    reply: {
      status: 200,
      description: 'Its tokens, and whether they fit.',
      json: {
        schema: 'TokenCount',
        example: {
          input_tokens: 273,
          text_tokens: 17,
          image_tokens: 256,
          images: 1,
          context_length: 131_072,
          fits: true,
          max_answer_tokens: 130_799,
        },
      },
    },
    errors: PROMPT_ERRORS,
  },
  {
    method: 'post',
    path: '/v1/tokenize',
    id: 'tokenize',
    tag: 'Prompts',
    summary: 'A text or a conversation as token ids',
    key: 'api',
    body: {
      kind: 'json',
      schema: 'TokenizeRequest',
      examples: {
        'A text': { model, prompt: 'red', return_token_strs: true },
        'A conversation': { model, messages: [{ role: 'user', content: 'red' }] },
      },
    },
    reply: {
      status: 200,
      description: 'The ids.',
      json: {
        schema: 'TokenizeReply',
        example: { count: 2, max_model_len: 131_072, tokens: [2, 1302], token_strs: ['<bos>', 'red'] },
      },
    },
    errors: PROMPT_ERRORS,
  },
  {
    method: 'post',
    path: '/v1/detokenize',
    id: 'detokenize',
    tag: 'Prompts',
    summary: 'Token ids as text',
    description: 'Control tokens are written as their names.',
    key: 'api',
    body: { kind: 'json', schema: 'DetokenizeRequest', examples: { 'Two ids': { model, tokens: [100, 101] } } },
    reply: {
      status: 200,
      description: 'The text.',
      json: { schema: 'DetokenizeReply', example: { prompt: 'red' } },
    },
    errors: [...BODY_ERRORS, ...MODEL_ERRORS, 'prompt.invalid_token'],
  },
  {
    method: 'post',
    path: '/v1/preview',
    id: 'previewPicture',
    tag: 'Prompts',
    summary: 'The pixels that the model would see',
    description: 'The whole picture and each crop, 896 pixels square, as the pipeline that makes answers makes them.',
    key: 'api',
    body: {
      kind: 'json',
      schema: 'PreviewRequest',
      examples: { 'One picture': { model, image: EXAMPLE_PICTURE, detail: 'low' } },
    },
    reply: {
      status: 200,
      description: 'The views.',
      json: {
        schema: 'PreviewReply',
        example: {
          object: 'preview',
          model,
          views: [
            { kind: 'whole', width: 896, height: 896, digest: 'b5bb9d8014a0f9b1d61e21e796d78dcc', png: EXAMPLE_PNG },
          ],
        },
      },
    },
    errors: [...BODY_ERRORS, ...MODEL_ERRORS, ...IMAGE_ERRORS, 'queue.full'],
  },
  {
    method: 'get',
    path: '/v1/models',
    id: 'listModels',
    tag: 'Models',
    summary: 'List the models',
    key: 'api',
    reply: {
      status: 200,
      description: 'All that is served.',
      json: { schema: 'ModelList', example: { object: 'list', data: [modelExample()] } },
    },
    errors: ['worker.unavailable', 'worker.lost', 'worker.timeout'],
    sdk: { client: 'openai', call: 'models.list' },
  },
  {
    method: 'get',
    path: '/v1/models/{id}',
    id: 'getModel',
    tag: 'Models',
    summary: 'Show a model',
    key: 'api',
    pathParameters: { id: { description: 'Its name; slashes in it may be escaped or not.', example: model } },
    reply: { status: 200, description: 'The model.', json: { schema: 'Model', example: modelExample() } },
    errors: MODEL_ERRORS,
    sdk: { client: 'openai', call: 'models.retrieve' },
  },
]

function modelExample() {
  const facts = { context_length: 131_072, tokens_per_image: 256, input_modalities: ['text', 'image'] }
  return { id: model, object: 'model', created: 0, owned_by: 'loupe', ...facts }
}
