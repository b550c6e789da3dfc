import { createHash } from 'node:crypto'
import { loadTokenizer, type Tokenizer } from '@loupe/shared/tokenizer'
import { asChatTemplate, type ChatTemplate, readChatTemplate } from './chat-template.ts'

/** What a model's files say about text. */
export interface ModelText {
  /** A directory in Hugging Face layout, or a GGUF file. */
  readonly layout: 'directory' | 'gguf'
  readonly tokenizer: Tokenizer
  /** What `loadTokenizer` reads elsewhere. The tokenizer keeps views of it: do not change it. */
  readonly artifact: Uint8Array
  /** SHA-256 of the artifact, lower-case hex. */
  readonly digest: string
  /** `undefined` where the files bring none, as those of a model that was not taught to converse. */
  readonly template: ChatTemplate | undefined
}

const TEMPLATE_KEY = 'tokenizer.chat_template'

/**
 * Reads the tokenizer and the chat template of a model.
 *
 * @param path - a directory in Hugging Face layout, or a GGUF language model
 * @throws AppError as `openTokenizer` of the model package; `config.invalid` if the chat template is no text
 */
export async function openModelText(path: string): Promise<ModelText> {
  // Loaded only when needed, as every command loads it.
  const { readTokenizer } = await import('@loupe/model/node')
  const { layout, artifact, metadata } = await readTokenizer(path)
  const inFile = metadata?.get(TEMPLATE_KEY)
  const own = inFile === undefined ? undefined : asChatTemplate(inFile, `${TEMPLATE_KEY} of ${path}`)
  const template = layout === 'gguf' ? own : await readChatTemplate(path)
  const digest = createHash('sha256').update(artifact).digest('hex')
  return { layout, artifact, template, tokenizer: loadTokenizer(artifact), digest }
}
