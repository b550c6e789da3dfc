import { AppError } from '../errors/index.ts'
import type { AnswerOptions } from './answer-options.ts'
import type { ChatTools } from './chat-tools.ts'

/** What has to go together. */
interface Options {
  readonly tools: ChatTools
  readonly answer: AnswerOptions
  readonly continuesFinal: boolean
}

/**
 * Looks for options that contradict each other.
 *
 * @throws AppError `request.invalid`, or `request.unsupported` for what could be and is not
 */
export function checkTogether({ tools, answer, continuesFinal }: Options): void {
  const { structure, minTokens, maxTokens, ignoreEos, stopTokenIds, showsStop } = answer
  const mayCall = tools.functions.length > 0 && tools.choice !== 'none'
  const held = structure?.param ?? (mayCall ? 'tools' : undefined)
  if (held !== undefined && ignoreEos) throw invalid('ignore_eos', `expected false beside "${held}"`)
  if (held !== undefined && minTokens > 0) throw invalid('min_tokens', `expected 0 beside "${held}"`)
  if (maxTokens !== undefined && minTokens > maxTokens) {
    throw invalid('min_tokens', `expected at most the ${maxTokens} of the longest answer, found ${minTokens}`)
  }
  if (showsStop && stopTokenIds.length > 0) {
    throw unsupported('include_stop_str_in_output', 'not offered beside "stop_token_ids"')
  }
  if (!mayCall) return
  if (continuesFinal) throw unsupported('continue_final_message', 'not offered beside "tools"')
  const isJson = structure === undefined || structure.grammar.type.startsWith('json_')
  if (!isJson) throw unsupported(structure.param, 'not offered beside "tools"')
}

function invalid(param: string, fault: string): AppError {
  return new AppError('request.invalid', `${param}: ${fault}.`, { param })
}

function unsupported(param: string, fault: string): AppError {
  return new AppError('request.unsupported', `${param}: ${fault}.`, { param })
}
