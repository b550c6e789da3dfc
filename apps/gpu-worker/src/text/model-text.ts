import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AppError } from '@loupe/shared/errors'
import {
  buildGgufTokenizerArtifact,
  buildTokenizerArtifact,
  loadTokenizer,
  type Tokenizer,
} from '@loupe/shared/tokenizer'
import { asChatTemplate, type ChatTemplate, readChatTemplate } from './chat-template.ts'
import { readBounded } from './read-bounded.ts'

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

/** Gemma's tokenizer.json is 33 MB. */
const MOST_TOKENIZER_BYTES = 256 * 1024 * 1024

/**
 * Reads the tokenizer and the chat template of a model. Gemma's tokenizer.json takes two to three seconds, most of them
 * in `JSON.parse`; the same tokenizer in a GGUF takes one.
 *
 * @param path - a directory in Hugging Face layout, or a GGUF language model
 * @throws AppError `tokenizer.invalid` if there is no tokenizer or it is not one of a supported kind; `config.invalid` if
 *   the chat template is no text, or the GGUF is no language model; `weights.invalid` if the GGUF is broken
 */
export async function openModelText(path: string): Promise<ModelText> {
  const files = (await isDirectory(path)) ? await readDirectory(path) : await readGguf(path)
  const digest = createHash('sha256').update(files.artifact).digest('hex')
  return { ...files, tokenizer: loadTokenizer(files.artifact), digest }
}

type Files = Pick<ModelText, 'layout' | 'artifact' | 'template'>

async function readDirectory(directory: string): Promise<Files> {
  const path = join(directory, 'tokenizer.json')
  const json = await readBounded(path, MOST_TOKENIZER_BYTES, 'tokenizer.invalid')
  if (json === undefined) {
    const gguf = (await readdir(directory)).find((name) => name.endsWith('.gguf'))
    const hint = gguf === undefined ? '' : ` A model in GGUF is named by its file: ${join(directory, gguf)}.`
    throw new AppError('tokenizer.invalid', `Expected a file ${path}, found none.${hint}`)
  }
  return { layout: 'directory', artifact: buildTokenizerArtifact(json), template: await readChatTemplate(directory) }
}

const TEMPLATE_KEY = 'tokenizer.chat_template'

async function readGguf(path: string): Promise<Files> {
  // Loaded only when needed: a directory's tokenizer is read without the runtime.
  const [{ openGguf }, { checkpointFiles }] = await Promise.all([import('@loupe/model'), import('@loupe/model/node')])
  const { metadata } = await openGguf(await checkpointFiles(dirname(path)), basename(path))
  const architecture = metadata.get('general.architecture')
  if (architecture !== 'gemma3') {
    const hint = architecture === 'clip' ? ', a vision tower, which --mmproj takes' : ''
    const found = `found ${JSON.stringify(architecture) ?? 'nothing'}${hint}`
    throw new AppError('config.invalid', `${path}: general.architecture: expected "gemma3", ${found}.`)
  }
  const template = metadata.get(TEMPLATE_KEY)
  return {
    layout: 'gguf',
    artifact: buildGgufTokenizerArtifact(metadata),
    template: template === undefined ? undefined : asChatTemplate(template, `${TEMPLATE_KEY} of ${path}`),
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}
