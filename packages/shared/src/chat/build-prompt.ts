import { AppError } from '../errors/index.ts'
import type { Tokenizer } from '../tokenizer/index.ts'
import { checkConversation, splitInstructions } from './check-conversation.ts'
import { gemma3Template, type PromptPart, systemText } from './gemma3-template.ts'
import type { ChatMessage } from './messages.ts'

/** The ids that stand for an image: `boi`, then `tokensPerImage` times `soft`, then `eoi`. */
export interface ImageTokens {
  /** Begins an image. */
  readonly boi: number
  /** Whose embedding is replaced by a feature of the image. */
  readonly soft: number
  /** Ends an image. */
  readonly eoi: number
  /** 256 in the released models. */
  readonly tokensPerImage: number
}

/** Options of {@link buildPrompt}. */
export interface PromptOptions {
  /** Left out for a model without vision: an image is then refused. */
  readonly imageTokens?: ImageTokens
  /**
   * Do exactly what the reference does: control tokens written in a message take effect, and whatever the template
   * drops without a word is dropped. Default false: a message's text is text, and what would be dropped is refused.
   * Only for comparisons with the reference and for one's own texts.
   */
  readonly asReference?: boolean
  /** End with the start of the model's turn, so that it answers. Default true. */
  readonly addGenerationPrompt?: boolean
  /** End in the middle of the last message, the assistant's, so that the model goes on with it. Default false. */
  readonly continuesFinal?: boolean
}

/** A conversation as the model reads it. */
export interface Prompt {
  /** The template's output, each image as its one begin-of-image token. To look at; the ids are not made from it. */
  readonly prompt: string
  /** Token ids, `[t]`, each image as its run of `tokensPerImage` soft tokens between `boi` and `eoi`. */
  readonly ids: Int32Array
  /** Number of images that the ids have a place for, in order; crops are images. */
  readonly imagePlaces: number
}

/**
 * Writes a conversation with Gemma 3's chat template and turns it into ids, ready for the answer.
 *
 * The ids equal those of the whole expanded text, tokenised at once: what the template, the messages and the blank
 * lines round an image put next to each other is one text, so that newlines meet and merge. Control tokens are written
 * as ids and never looked for in a message. Several system messages at the start are read as one, a blank line between
 * them: clients send them, and the template has a place for one.
 *
 * @throws AppError `prompt.invalid` for roles that do not alternate, no message, or an image without `imageTokens`
 * @throws AppError `tokenizer.invalid` if the tokenizer lacks a control token of the template
 */
export function buildPrompt(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  { imageTokens, asReference = false, addGenerationPrompt = true, continuesFinal = false }: PromptOptions = {},
): Prompt {
  if (!asReference) checkConversation(messages)
  const whole = gemma3Template(
    asReference ? messages : joinInstructions(messages),
    addGenerationPrompt && !continuesFinal,
  )
  const parts = continuesFinal ? whole.slice(0, -TURN_END) : whole
  const imagePlaces = parts.filter(({ kind }) => kind === 'image').length
  if (imageTokens === undefined && imagePlaces > 0) {
    throw new AppError('prompt.invalid', 'Expected text only, found an image: this model takes no images.')
  }
  const boi = imageTokens === undefined || imagePlaces === 0 ? '' : tokenizer.decode([imageTokens.boi])
  const prompt = parts.map((part) => partText(part, boi)).join('')
  if (asReference) return { prompt, ...tokeniseWhole(tokenizer, prompt, imageTokens) }
  return { prompt, ids: tokeniseParts(tokenizer, parts, imageTokens), imagePlaces }
}

/** Parts that end a turn: a control token and a newline. */
const TURN_END = 2

function joinInstructions(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const { instructions, turns } = splitInstructions(messages)
  if (instructions.length < 2) return messages
  return [{ role: 'system', content: instructions.map(systemText).join('\n\n') }, ...turns]
}

function partText(part: PromptPart, boi: string): string {
  if (part.kind === 'image') return boi
  return part.kind === 'control' ? part.content : part.text
}

/** As the reference: each begin-of-image token in the text is expanded, whoever wrote it, then all is tokenised. */
function tokeniseWhole(
  tokenizer: Tokenizer,
  prompt: string,
  imageTokens: ImageTokens | undefined,
): Pick<Prompt, 'ids' | 'imagePlaces'> {
  if (imageTokens === undefined) return { ids: tokenizer.encode(prompt, { parseSpecial: true }), imagePlaces: 0 }
  const stretches = prompt.split(tokenizer.decode([imageTokens.boi]))
  const image = `\n\n${tokenizer.decode(imageIds(imageTokens))}\n\n`
  const ids = tokenizer.encode(stretches.join(image), { parseSpecial: true })
  return { ids, imagePlaces: stretches.length - 1 }
}

function tokeniseParts(
  tokenizer: Tokenizer,
  parts: readonly PromptPart[],
  imageTokens: ImageTokens | undefined,
): Int32Array {
  const ids: number[] = []
  let text = ''
  const write = (control: readonly number[]): void => {
    for (const id of tokenizer.encode(text)) ids.push(id)
    for (const id of control) ids.push(id)
    text = ''
  }
  for (const part of parts) {
    if (part.kind === 'text') text += part.text
    else if (part.kind === 'control') write([controlId(tokenizer, part.content)])
    else if (imageTokens !== undefined) {
      text += '\n\n'
      write(imageIds(imageTokens))
      text = '\n\n'
    }
  }
  write([])
  return Int32Array.from(ids)
}

function imageIds({ boi, soft, eoi, tokensPerImage }: ImageTokens): readonly number[] {
  return [boi, ...new Array<number>(tokensPerImage).fill(soft), eoi]
}

function controlId(tokenizer: Tokenizer, content: string): number {
  const id = tokenizer.tokenId(content)
  if (id === undefined) {
    throw new AppError('tokenizer.invalid', `Expected the token ${content} of the chat template, found none.`)
  }
  return id
}
