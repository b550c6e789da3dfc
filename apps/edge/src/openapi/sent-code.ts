import { ERRORS, type ErrorCode, type ErrorEntry } from '@loupe/shared/errors'

/** OpenAI’s code where it has one for the fault. Anthropic’s replies have ours. */
export function sentCode(code: ErrorCode): string {
  const { openAiCode }: ErrorEntry = ERRORS[code]
  return openAiCode ?? code
}
