import {
  buildPrompt,
  type ChatMessage,
  type ConversationTurn,
  conversationTurns,
  type Prompt,
  type PromptOptions,
} from '@loupe/shared/chat'
import type { ChatRequest } from '@loupe/shared/schema'
import type { ModelMetadata } from '@loupe/shared/wire'
import type { ServedModel } from '../worker/model-catalog.ts'

/**
 * Writes the prompt of a request for a model.
 *
 * @param crops - of each picture, in the order of the conversation
 * @throws AppError `prompt.invalid`
 */
export function writePrompt(
  { metadata, tokenizer }: ServedModel,
  request: Pick<ChatRequest, 'messages' | 'tools'> & Partial<Pick<ChatRequest, 'continuesFinal'>>,
  crops: readonly number[],
  options: Pick<PromptOptions, 'addGenerationPrompt'> = {},
): Prompt {
  const turns = withCrops(conversationTurns(request.messages, request.tools), crops)
  const { continuesFinal = false } = request
  return buildPrompt(tokenizer, turns, { ...promptOptionsOf(metadata), continuesFinal, ...options })
}

function withCrops(turns: readonly ConversationTurn[], crops: readonly number[]): ChatMessage[] {
  const left = crops.values()
  return turns.map(({ role, content }) => {
    if (typeof content === 'string') return { role, content }
    return { role, content: content.map((part) => (part.type === 'text' ? part : image(left.next().value))) }
  })
}

function image(crops = 0) {
  return { type: 'image', crops } as const
}

function promptOptionsOf({ parameters }: ModelMetadata): PromptOptions {
  if (!parameters.has_vision) return {}
  const imageTokens = {
    boi: parameters.boi_token_id,
    soft: parameters.image_token_id,
    eoi: parameters.eoi_token_id,
    tokensPerImage: parameters.tokens_per_image,
  }
  return { imageTokens }
}
