import {
  anthropicError,
  anthropicEvent,
  anthropicInput,
  anthropicMessage,
  apiKeyCard,
  apiKeyDetails,
  apiKeyList,
  batchList,
  batchObject,
  chatCompletion,
  chatCompletionChunk,
  chatCompletionRequest,
  chatMessage,
  completionRequest,
  contentPart,
  countTokensRequest,
  createBatchRequest,
  createdApiKey,
  createKeyRequest,
  detokenizeReply,
  detokenizeRequest,
  embeddingList,
  embeddingsRequest,
  errorReply,
  fileDeleted,
  fileList,
  fileObject,
  inputItem,
  listBatchesQuery,
  listFilesQuery,
  listKeysQuery,
  messagesRequest,
  messageTokens,
  modelCard,
  modelCards,
  previewReply,
  previewRequest,
  responseDeleted,
  responseEvent,
  responseInputTokens,
  responseItem,
  responseItemList,
  responseObject,
  responsesRequest,
  textCompletion,
  tokenCount,
  tokenizeReply,
  tokenizeRequest,
  uploadFields,
} from '@loupe/shared/schema'
import { z } from 'zod'
import { itemPageQuery } from '../responses/item-page.ts'

/** Bodies of requests and what they are made of, by the names that they have in the document. The routes parse with these very schemas. */
export const REQUESTS = {
  AnthropicInput: anthropicInput,
  ChatCompletionRequest: chatCompletionRequest,
  ChatMessage: chatMessage,
  CompletionRequest: completionRequest,
  ContentPart: contentPart,
  CountTokensRequest: countTokensRequest,
  CreateBatchRequest: createBatchRequest,
  CreateKeyRequest: createKeyRequest,
  DetokenizeRequest: detokenizeRequest,
  EmbeddingsRequest: embeddingsRequest,
  InputItem: inputItem,
  MessagesRequest: messagesRequest,
  PreviewRequest: previewRequest,
  ResponsesRequest: responsesRequest,
  TokenizeRequest: tokenizeRequest,
  UploadFields: uploadFields,
} as const

/** The reply of `GET /healthz`. */
const healthReply = z.object({ status: z.literal('ok') })
/** The reply of `GET /readyz`. */
const readyReply = z.object({ status: z.literal('ready') })

/** Replies and events of streams, by the names that they have in the document. */
export const REPLIES = {
  AnthropicErrorReply: anthropicError,
  AnthropicEvent: anthropicEvent,
  AnthropicMessage: anthropicMessage,
  ApiKey: apiKeyCard,
  ApiKeyDetails: apiKeyDetails,
  ApiKeyList: apiKeyList,
  Batch: batchObject,
  BatchList: batchList,
  ChatCompletion: chatCompletion,
  ChatCompletionChunk: chatCompletionChunk,
  CreatedApiKey: createdApiKey,
  DetokenizeReply: detokenizeReply,
  EmbeddingList: embeddingList,
  ErrorReply: errorReply,
  File: fileObject,
  FileDeleted: fileDeleted,
  FileList: fileList,
  HealthReply: healthReply,
  MessageTokens: messageTokens,
  Model: modelCard,
  ModelList: modelCards,
  PreviewReply: previewReply,
  ReadyReply: readyReply,
  Response: responseObject,
  ResponseDeleted: responseDeleted,
  ResponseEvent: responseEvent,
  ResponseInputTokens: responseInputTokens,
  ResponseItem: responseItem,
  ResponseItemList: responseItemList,
  TextCompletion: textCompletion,
  TokenCount: tokenCount,
  TokenizeReply: tokenizeReply,
} as const

/** Queries, by names that are nowhere but here. */
export const QUERIES = {
  ItemPageQuery: itemPageQuery,
  ListBatchesQuery: listBatchesQuery,
  ListFilesQuery: listFilesQuery,
  ListKeysQuery: listKeysQuery,
} as const

/** The name of a query. */
export type QueryName = keyof typeof QUERIES
/** The name of a body that can be sent. */
export type RequestName = keyof typeof REQUESTS
/** The name of a body that can come back. */
export type ReplyName = keyof typeof REPLIES
