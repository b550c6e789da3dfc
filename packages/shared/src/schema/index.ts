export {
  type CreateKeyRequest,
  createKeyRequest,
  type ListKeysQuery,
  listKeysQuery,
  readCreateKeyRequest,
  readListKeysQuery,
} from './admin-keys.ts'
export type { AnswerOptions } from './answer-options.ts'
export { anthropicInput } from './anthropic-blocks.ts'
export {
  type AnthropicError,
  type AnthropicEvent,
  type AnthropicMessage,
  anthropicError,
  anthropicEvent,
  anthropicMessage,
  type MessageTokens,
  messageTokens,
} from './anthropic-message.ts'
export { type AnthropicPlace, blameInMessages } from './anthropic-places.ts'
export { type AnthropicRequest, readCountTokensRequest, readMessagesRequest } from './anthropic-read.ts'
export { countTokensRequest, messagesRequest } from './anthropic-request.ts'
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
  type BatchEndpoint,
  type BatchError,
  type BatchLine,
  type BatchList,
  type BatchObject,
  type BatchStatus,
  batchList,
  batchObject,
  type CreateBatchRequest,
  createBatchRequest,
  type ListBatchesQuery,
  listBatchesQuery,
  readBatchLine,
  readCreateBatchRequest,
  readListBatchesQuery,
} from './batches.ts'
export {
  type ChatCompletion,
  type ChatCompletionChunk,
  type ChatToolCall,
  chatCompletion,
  chatCompletionChunk,
  type Logprobs,
  type Usage,
} from './chat-completion.ts'
export { chatMessage } from './chat-message.ts'
export { chatCompletionRequest } from './chat-request.ts'
export type { ChatTools, FunctionTool } from './chat-tools.ts'
export { type CompletionLogprobs, type TextCompletion, textCompletion } from './completions-reply.ts'
export {
  type CompletionPrompt,
  type CompletionRequest,
  completionRequest,
  readCompletionRequest,
} from './completions-request.ts'
export { contentPart, type ImageDetail } from './content-part.ts'
export type { ConversationMessage, ImageReference, ToolCall } from './conversation.ts'
export { type EmbeddingList, embeddingList } from './embeddings-reply.ts'
export { type EmbeddingsRequest, embeddingsRequest, readEmbeddingsRequest } from './embeddings-request.ts'
export { errorReply } from './error-reply.ts'
export {
  type FileList,
  type FileObject,
  type FilePurpose,
  fileDeleted,
  fileList,
  fileObject,
  type ListFilesQuery,
  listFilesQuery,
  readListFilesQuery,
  readUploadTerms,
  type UploadPurpose,
  type UploadTerms,
  uploadFields,
} from './files.ts'
export { type ModelCard, type ModelCards, modelCard, modelCards } from './model-list.ts'
export {
  type PreviewReply,
  type PreviewRequest,
  previewReply,
  previewRequest,
  readPreviewRequest,
} from './preview.ts'
export { type ChatRequest, readChatRequest } from './read-chat-request.ts'
export type { PlacedItem } from './responses-conversation.ts'
export { type ResponseEvent, responseEvent } from './responses-events.ts'
export { holdItem, type MakeId, type SentItem } from './responses-held.ts'
export {
  type InputItem,
  inputItem,
  type OutputItem,
  type ResponseItem,
  type ResponseItemList,
  responseItem,
  responseItemList,
} from './responses-items.ts'
export {
  type ResponseInputTokens,
  type ResponseObject,
  type ResponseSettings,
  responseDeleted,
  responseInputTokens,
  responseObject,
} from './responses-object.ts'
export { blameInResponses, type MessagePlace, type Place } from './responses-places.ts'
export {
  type PlacedChatRequest,
  placedChatRequest,
  type ResponsesRequest,
  readResponsesRequest,
} from './responses-read.ts'
export { responsesRequest } from './responses-request.ts'
export type { ServiceTier } from './service-tier.ts'
export type { StructuredOutput } from './structured-output.ts'
export { type TokenCount, tokenCount } from './token-count.ts'
export {
  type DetokenizeReply,
  type DetokenizeRequest,
  detokenizeReply,
  detokenizeRequest,
  readDetokenizeRequest,
  readTokenizeRequest,
  type TokenizeReply,
  type TokenizeRequest,
  tokenizeReply,
  tokenizeRequest,
} from './tokenize.ts'
