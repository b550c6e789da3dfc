import { checkAlternation } from './check-conversation.ts'
import { type ChatMessage, type ChatPart, invalidPrompt } from './messages.ts'
import { pythonStrip } from './strip.ts'

/** A stretch of a prompt: text as written, a control token by its content, or the place of an image. */
export type PromptPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'control'; readonly content: ControlToken }
  | { readonly kind: 'image' }

/** The control tokens that the template writes. */
type ControlToken = '<bos>' | '<start_of_turn>' | '<end_of_turn>'

/**
 * Gemma 3's chat template, with the generation prompt unless it is left out.
 *
 *     <bos><start_of_turn>user⏎ {system}⏎⏎ {content}<end_of_turn>⏎
 *     <start_of_turn>model⏎ {content}<end_of_turn>⏎ ... <start_of_turn>model⏎
 *
 * The system text goes untrimmed in front of the first turn; all other texts are trimmed, each part by itself, and
 * parts follow each other without a separator. Roles are checked by position alone, `user` at even ones: any other
 * name passes at an odd position and is written as it is, and so a system message by itself gives an empty
 * conversation.
 *
 * @throws AppError `prompt.invalid` if there is no message or the roles do not alternate
 * @see the `chat_template` of google/gemma-3-4b-it
 */
export function gemma3Template(messages: readonly ChatMessage[], addGenerationPrompt = true): readonly PromptPart[] {
  const [first] = messages
  if (first === undefined) throw invalidPrompt('messages', 'at least one message', [])
  const hasSystem = first.role === 'system'
  const turns = hasSystem ? messages.slice(1) : messages
  checkAlternation(turns, hasSystem ? 1 : 0)
  const system = hasSystem ? `${systemText(first)}\n\n` : ''
  return [
    control('<bos>'),
    ...turns.flatMap((turn, at) => turnParts(turn, at === 0 ? system : '')),
    ...(addGenerationPrompt ? [control('<start_of_turn>'), text('model\n')] : []),
  ]
}

/** The first part is all that the template takes of a system message in parts. */
export function systemText({ content }: ChatMessage): string {
  if (typeof content === 'string') return content
  const [part] = content
  if (part?.type !== 'text') throw invalidPrompt('messages[0].content[0]', 'a text part', part)
  return part.text
}

function turnParts({ role, content }: ChatMessage, prefix: string): readonly PromptPart[] {
  return [
    control('<start_of_turn>'),
    text(`${role === 'assistant' ? 'model' : role}\n${prefix}`),
    ...(typeof content === 'string' ? [text(pythonStrip(content))] : content.flatMap(contentParts)),
    control('<end_of_turn>'),
    text('\n'),
  ]
}

function contentParts(part: ChatPart): readonly PromptPart[] {
  return part.type === 'image' ? imageParts(part.crops ?? 0) : [text(pythonStrip(part.text))]
}

/**
 * An image, and the crops of it in the reference's own words.
 *
 * @see `Gemma3Processor.__call__` in Transformers
 */
function imageParts(crops: number): readonly PromptPart[] {
  const image: PromptPart = { kind: 'image' }
  if (crops === 0) return [image]
  const shown = Array.from({ length: crops }, (_, at) => (at === 0 ? [image] : [text(' '), image])).flat()
  return [
    text('Here is the original image '),
    image,
    text(' and here are some crops to help you see better '),
    ...shown,
  ]
}

function text(written: string): PromptPart {
  return { kind: 'text', text: written }
}

function control(content: ControlToken): PromptPart {
  return { kind: 'control', content }
}
