import { z } from 'zod'
import { boundedList } from '../bounded-list.ts'
import { AppError } from '../errors/index.ts'
import { chatCompletionRequest } from './chat-request.ts'
import { unknownFields } from './ignored-fields.ts'
import { issueError } from './issue-error.ts'
import { type ChatRequest, readChatRequest } from './read-chat-request.ts'

/** Each prompt is a request of its own to the worker. */
const MOST_PROMPTS = 64
/** Far above any context: what is longer is refused before it is looked at. */
const MOST_IDS = 1_000_000
/** As OpenAI has it for this address. */
const DEFAULT_TOKENS = 16

const tokenId = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)
const text = z.string()
const ids = boundedList(tokenId, [1, MOST_IDS])

/** A text, the ids of its tokens, or several of one kind. */
const prompt = z.union([text, ids, boundedList(text, [1, MOST_PROMPTS]), boundedList(ids, [1, MOST_PROMPTS])])

/**
 * The body of `POST /v1/completions`, as clients send it: text goes to the model as it is, with no template round it.
 *
 * @see https://platform.openai.com/docs/api-reference/completions/create; extensions of vLLM as in the chat API
 */
export const completionRequest = chatCompletionRequest
  .omit({
    messages: true,
    max_completion_tokens: true,
    top_logprobs: true,
    tools: true,
    tool_choice: true,
    parallel_tool_calls: true,
    continue_final_message: true,
    add_generation_prompt: true,
  })
  .extend({
    prompt,
    /** Tell how likely each token was, and so many likeliest ones beside it. */
    logprobs: z.int().min(0).max(20).nullish(),
    /** Put the prompt in front of its answer. */
    echo: z.boolean().nullish(),
    /** Begin a text with the token that begins every text. True unless told otherwise; ids are taken as they are. */
    add_special_tokens: z.boolean().nullish(),
  })

/** One prompt. */
export interface CompletionPrompt {
  /** Text, or token ids `[t]`. */
  readonly content: string | readonly number[]
  /** Where it stands in the request, for errors: `prompt`, `prompt[2]`. */
  readonly param: string
}

/** A completion request after the schema. */
export interface CompletionRequest {
  /** Each is answered by itself. */
  readonly prompts: readonly CompletionPrompt[]
  /** Put the prompt in front of its answer. */
  readonly echo: boolean
  /** Begin texts with the token that begins every text. */
  readonly addBos: boolean
  /** Everything else, as a chat request says it; its conversation means nothing. */
  readonly chat: ChatRequest
}

/** What only a conversation can have. */
const REFUSED = ['suffix', 'messages', 'tools', 'tool_choice', 'max_completion_tokens', 'continue_final_message']

/**
 * Reads the body of `POST /v1/completions`.
 *
 * @param body - parsed JSON
 * @throws AppError `request.invalid`, or `request.unsupported` for a feature that is not offered; `param` is its path
 */
export function readCompletionRequest(body: unknown): CompletionRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new AppError('request.invalid', 'Expected a JSON object as the body.')
  }
  const fields = body as Readonly<Record<string, unknown>> // an object, not an array: looked at above
  const refused = REFUSED.find((name) => fields[name] !== undefined && fields[name] !== null)
  if (refused !== undefined) throw refusal(refused, `"${refused}" is not offered at this address.`)
  const result = completionRequest.safeParse(fields)
  if (!result.success) throw issueError(result.error)
  const { prompt: asked, echo, logprobs, max_tokens: most } = result.data
  if (echo === true && typeof logprobs === 'number') {
    throw refusal('echo', '"echo" is not offered beside "logprobs": how likely the prompt was is not computed.')
  }
  return {
    prompts: readPrompts(asked),
    echo: echo ?? false,
    addBos: result.data.add_special_tokens ?? true,
    chat: readRest(fields, { logprobs: logprobs ?? undefined, maxTokens: most ?? DEFAULT_TOKENS }),
  }
}

function readPrompts(asked: z.infer<typeof prompt>): CompletionPrompt[] {
  if (typeof asked === 'string') return [{ content: asked, param: 'prompt' }]
  const [first] = asked
  if (typeof first === 'number') return [{ content: asked.filter((id) => typeof id === 'number'), param: 'prompt' }]
  return asked.flatMap((content, at) => (typeof content === 'number' ? [] : [{ content, param: `prompt[${at}]` }]))
}

/** The fields that mean here what they mean in the chat API are read there. */
function readRest(
  fields: Readonly<Record<string, unknown>>,
  { logprobs, maxTokens }: { readonly logprobs: number | undefined; readonly maxTokens: number },
): ChatRequest {
  const { prompt: _, echo: __, add_special_tokens: ___, best_of: candidates, ...others } = fields
  const isHarmless = candidates === fields['n'] || candidates === null || candidates === 1
  const chat = readChatRequest({
    ...others,
    ...(isHarmless ? {} : { best_of: candidates }),
    messages: [{ role: 'user', content: '' }],
    max_tokens: maxTokens,
    logprobs: logprobs !== undefined,
    top_logprobs: logprobs ?? 0,
  })
  const known = new Set(Object.keys(completionRequest.shape))
  // What the chat API knows and this address has no use for.
  const useless = unknownFields(others, (name) => known.has(name) || !(name in chatCompletionRequest.shape))
  return { ...chat, ignored: [...chat.ignored, ...useless] }
}

function refusal(param: string, detail: string): AppError {
  return new AppError('request.unsupported', detail, { param })
}
