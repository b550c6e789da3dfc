export {
  type CreateKeyRequest,
  createKeyRequest,
  type ListKeysQuery,
  listKeysQuery,
  readCreateKeyRequest,
  readListKeysQuery,
} from './admin-keys.ts'
export type { AnswerOptions } from './answer-options.ts'
export {
  API_SCOPES,
  type ApiKeyCard,
  type ApiKeyDetails,
  type ApiKeyList,
  type ApiScope,
  apiKeyCard,
  apiKeyDetails,
  apiKeyList,
  type CreatedApiKey,
  createdApiKey,
  type KeyLimits,
} from './api-key.ts'
export {
  type ChatCompletion,
  type ChatCompletionChunk,
  type ChatToolCall,
  chatCompletion,
  chatCompletionChunk,
  type Logprobs,
  type Usage,
} from './chat-completion.ts'
export type { ChatTools, FunctionTool } from './chat-tools.ts'
export type { ImageDetail } from './content-part.ts'
export type { ConversationMessage, ImageReference, ToolCall } from './conversation.ts'
export { errorReply } from './error-reply.ts'
export { type ModelCard, type ModelCards, modelCards } from './model-list.ts'
export { type ChatRequest, readChatRequest } from './read-chat-request.ts'
export type { ServiceTier } from './service-tier.ts'
export type { StructuredOutput } from './structured-output.ts'
export { type TokenCount, tokenCount } from './token-count.ts'
export {
  type DetokenizeReply,
  type DetokenizeRequest,
  detokenizeReply,
  readDetokenizeRequest,
  readTokenizeRequest,
  type TokenizeReply,
  type TokenizeRequest,
  tokenizeReply,
} from './tokenize.ts'
