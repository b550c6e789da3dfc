export {
  type ChatCompletion,
  type ChatCompletionChunk,
  chatCompletion,
  chatCompletionChunk,
  type Logprobs,
  type Usage,
} from './chat-completion.ts'
export type { ImageDetail } from './content-part.ts'
export { errorReply } from './error-reply.ts'
export { type ModelCard, type ModelCards, modelCards } from './model-list.ts'
export {
  type AnswerOptions,
  type ChatRequest,
  type ConversationMessage,
  type ImageReference,
  readChatRequest,
} from './read-chat-request.ts'
export type { StructuredOutput } from './structured-output.ts'
