export { buildPrompt, type ImageTokens, type Prompt, type PromptOptions } from './build-prompt.ts'
export { type ConversationTurn, conversationTurns } from './conversation-turns.ts'
export { checkImageCount } from './image-count.ts'
export { type ChatMessage, type ChatPart, parseMessages } from './messages.ts'
