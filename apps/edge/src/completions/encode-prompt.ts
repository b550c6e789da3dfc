import { AppError } from '@loupe/shared/errors'
import type { CompletionPrompt } from '@loupe/shared/schema'
import { LIMITS } from '../limits.ts'
import type { ServedModel } from '../worker/model-catalog.ts'

/**
 * The ids of a prompt: no template is written round it, and what looks like a control token in a text is text. A text
 * gets the token that begins every text, as vLLM does it; ids are taken as they are.
 *
 * @returns `[t]`
 * @throws AppError `prompt.invalid_token`, `prompt.too_long`, `request.invalid` for a prompt of no tokens
 */
export function encodePrompt(
  { content, param }: CompletionPrompt,
  { metadata, tokenizer }: ServedModel,
  addBos: boolean,
): Int32Array {
  if (typeof content !== 'string') {
    checkIds(content, tokenizer.vocabSize, param)
    return Int32Array.from(content)
  }
  if (content.length > LIMITS.promptCharacters) {
    const detail = `${param}: expected at most ${LIMITS.promptCharacters} characters, found ${content.length}.`
    throw new AppError('prompt.too_long', detail, { param })
  }
  const ids = tokenizer.encode(content)
  if (addBos) return Int32Array.of(metadata.parameters.bos_token_id, ...ids)
  if (ids.length > 0) return ids
  throw new AppError('request.invalid', `${param}: expected at least one token, found an empty text.`, { param })
}

function checkIds(ids: readonly number[], vocabSize: number, param: string): void {
  const wrong = ids.findIndex((id) => id >= vocabSize)
  if (wrong < 0) return
  const at = `${param}[${wrong}]`
  const detail = `${at}: expected a token id from 0 to ${vocabSize - 1}, found ${ids[wrong]}.`
  throw new AppError('prompt.invalid_token', detail, { param: at })
}
