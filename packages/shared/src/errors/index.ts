export { AppError, type AppErrorOptions } from './app-error.ts'
export { ERRORS, type ErrorCode, type ErrorEntry, type OpenAiErrorType, type Retry } from './catalog.ts'
export { fromOipError, type OipErrorBody, type OpenAiErrorBody, oipError, openAiError, retryHeaders } from './render.ts'
