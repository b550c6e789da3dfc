import { z } from 'zod'
import { boundedList } from '../bounded-list.ts'
import { AppError } from '../errors/index.ts'
import { chatCompletionRequest } from './chat-request.ts'
import { issueError } from './issue-error.ts'
import { type ChatRequest, readChatRequest } from './read-chat-request.ts'

/** Twice the longest context of a released model. */
const MOST_TOKENS = 262_144

const model = z.string().min(1).max(256)
const tokenId = z.int().min(0)

/** What both kinds of `POST /v1/tokenize` may ask for. @see vLLM's `TokenizeCompletionRequest`, `TokenizeChatRequest` */
const wishFields = {
  /** A conversation ends with the start of the model's turn. Default true. */
  add_generation_prompt: z.boolean().nullish(),
  /** A text begins with the token that begins every text. Default true; a conversation has it in any case. */
  add_special_tokens: z.boolean().nullish(),
  /** List the tokens as the vocabulary spells them, too. */
  return_token_strs: z.boolean().nullish(),
}

const wishes = z.looseObject(wishFields)

/** A text as it stands. */
const textRequest = z.looseObject({ model, prompt: z.string(), ...wishFields })
const TEXT_FIELDS = new Set(Object.keys(textRequest.shape))

/** A conversation as the model reads it, with whatever else a chat request may have. */
const chatRequest = chatCompletionRequest.extend(wishFields)

/** The body of `POST /v1/tokenize`. */
export const tokenizeRequest = z.union([textRequest, chatRequest])

/** The body of `POST /v1/detokenize`. */
export const detokenizeRequest = z.looseObject({ model, tokens: boundedList(tokenId, [0, MOST_TOKENS]) })
const IDS_FIELDS = new Set(Object.keys(detokenizeRequest.shape))

/** What is to be tokenised: a text as it stands, or a conversation as the model reads it. */
export type TokenizeRequest = {
  /** List the tokens as the vocabulary spells them, too. */
  readonly wantsStrings: boolean
  /** JSON paths of fields that were accepted and have no effect. */
  readonly ignored: readonly string[]
} & (
  | {
      readonly kind: 'text'
      /** The name that the client asked for. */
      readonly model: string
      /** Control tokens in it are text. */
      readonly text: string
      /** Begin with the token that begins every text. */
      readonly addBos: boolean
    }
  | {
      readonly kind: 'chat'
      readonly chat: ChatRequest
      /** End with the start of the model's turn. */
      readonly addGenerationPrompt: boolean
    }
)

/** Ids that are to become text. */
export interface DetokenizeRequest {
  /** The name that the client asked for. */
  readonly model: string
  /** Any number of ids; whether the model has them is not looked at here. */
  readonly tokens: readonly number[]
  /** JSON paths of fields that were accepted and have no effect. */
  readonly ignored: readonly string[]
}

/** The reply of `POST /v1/tokenize`. */
export const tokenizeReply = z.object({
  count: z.int().min(0),
  /** Tokens of prompt and answer together. */
  max_model_len: z.int().min(1),
  tokens: z.array(tokenId),
  /** Present when it was asked for: as the vocabulary spells them, U+2581 for a space, `<0xE2>` for a byte. */
  token_strs: z.array(z.string()).optional(),
})

/** The reply of `POST /v1/tokenize`, as {@link tokenizeReply} describes it. */
export type TokenizeReply = z.infer<typeof tokenizeReply>

/** The reply of `POST /v1/detokenize`. */
export const detokenizeReply = z.object({ prompt: z.string() })

/** The reply of `POST /v1/detokenize`, as {@link detokenizeReply} describes it. */
export type DetokenizeReply = z.infer<typeof detokenizeReply>

/**
 * Reads the body of `POST /v1/tokenize`: `prompt` with a text, or `messages` with whatever else a chat request may have.
 *
 * @param body - parsed JSON
 * @throws AppError `request.invalid`, `request.unsupported`, as `readChatRequest` does
 */
export function readTokenizeRequest(body: unknown): TokenizeRequest {
  const fields = readObject(body)
  const { prompt, messages } = fields
  if ((prompt ?? undefined) !== undefined && (messages ?? undefined) !== undefined) {
    throw new AppError('request.invalid', 'Expected "prompt" or "messages", found both.', { param: 'prompt' })
  }
  const asked = parse(wishes, fields)
  const wantsStrings = asked.return_token_strs ?? false
  if ((messages ?? undefined) !== undefined) return { ...readChat(fields, asked), wantsStrings }
  const text = parse(textRequest, fields)
  return {
    kind: 'text',
    model: text.model,
    text: text.prompt,
    addBos: asked.add_special_tokens ?? true,
    wantsStrings,
    ignored: unknownFields(fields, TEXT_FIELDS),
  }
}

/**
 * Reads the body of `POST /v1/detokenize`.
 *
 * @param body - parsed JSON
 * @throws AppError `request.invalid`
 */
export function readDetokenizeRequest(body: unknown): DetokenizeRequest {
  const fields = readObject(body)
  const request = parse(detokenizeRequest, fields)
  return { model: request.model, tokens: request.tokens, ignored: unknownFields(fields, IDS_FIELDS) }
}

function readChat(fields: Readonly<Record<string, unknown>>, asked: z.infer<typeof wishes>) {
  if (asked.add_special_tokens === true) {
    const detail = '"add_special_tokens" is not offered beside "messages": the template writes them.'
    throw new AppError('request.unsupported', detail, { param: 'add_special_tokens' })
  }
  const { add_generation_prompt: begins, add_special_tokens: _, return_token_strs: __, ...chat } = fields
  const goesOn = chat['continue_final_message'] === true
  const request = readChatRequest(goesOn ? { ...chat, add_generation_prompt: begins } : chat)
  const addGenerationPrompt = !goesOn && (asked.add_generation_prompt ?? true)
  return { kind: 'chat', chat: request, addGenerationPrompt, ignored: request.ignored } as const
}

function readObject(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { ...body }
  throw new AppError('request.invalid', 'Expected a JSON object as the body.')
}

function parse<T>(schema: z.ZodType<T>, fields: Readonly<Record<string, unknown>>): T {
  const result = schema.safeParse(fields)
  if (result.success) return result.data
  throw issueError(result.error)
}

function unknownFields(fields: Readonly<Record<string, unknown>>, known: ReadonlySet<string>): string[] {
  return Object.keys(fields).filter((name) => !known.has(name) && fields[name] !== null)
}
