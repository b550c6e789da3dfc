import { z } from 'zod'
import { boundedList } from '../bounded-list.ts'
import { functionName } from './chat-tools.ts'

/** More than this is no conversation, as in the chat API. */
const MOST_BLOCKS = 8192

/** Accepted; what requests share is found without it. */
const cacheControl = z.looseObject({ type: z.string() }).nullish()

const textBlock = z.looseObject({ type: z.literal('text'), text: z.string(), cache_control: cacheControl })

const mediaType = z.string().regex(/^image\/[\w.+-]{1,64}$/, 'expected the media type of a picture')

const imageBlock = z.looseObject({
  type: z.literal('image'),
  source: z.discriminatedUnion('type', [
    z.looseObject({ type: z.literal('base64'), media_type: mediaType, data: z.string() }),
    z.looseObject({ type: z.literal('url'), url: z.string().min(1) }),
    z.looseObject({ type: z.literal('file'), file_id: z.string().min(1).max(256) }),
  ]),
  cache_control: cacheControl,
})

const blockId = z.string().min(1).max(256)

/** A call that an earlier answer has made, as it was told. */
const toolUseBlock = z.looseObject({
  type: z.literal('tool_use'),
  id: blockId,
  name: functionName,
  input: z.record(z.string(), z.unknown()),
  cache_control: cacheControl,
})

/** What a function gave. */
const toolResultBlock = z.looseObject({
  type: z.literal('tool_result'),
  tool_use_id: blockId,
  content: z
    .union([z.string(), boundedList(z.discriminatedUnion('type', [textBlock, imageBlock]), [0, MOST_BLOCKS])])
    .nullish(),
  is_error: z.boolean().nullish(),
  cache_control: cacheControl,
})

const block = z.discriminatedUnion('type', [textBlock, imageBlock, toolUseBlock, toolResultBlock])

/** A text, or blocks of text. */
export const textContent = z.union([z.string(), boundedList(textBlock, [0, MOST_BLOCKS])])

/** One message of a conversation, as Anthropic's clients send it. */
export const anthropicInput = z.looseObject({
  role: z.enum(['user', 'assistant', 'system']),
  content: z.union([z.string(), boundedList(block, [0, MOST_BLOCKS])]),
})

/** One part of a message. */
export type AnthropicBlock = z.infer<typeof block>
/** @see {@link anthropicInput} */
export type AnthropicInput = z.infer<typeof anthropicInput>
