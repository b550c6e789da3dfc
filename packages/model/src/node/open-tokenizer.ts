import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AppError } from '@loupe/shared/errors'
import {
  buildGgufTokenizerArtifact,
  buildTokenizerArtifact,
  loadTokenizer,
  type Tokenizer,
} from '@loupe/shared/tokenizer'
import { openGguf } from '../weights/gguf.ts'
import type { GgufMetadata } from '../weights/gguf-metadata.ts'
import { checkpointFiles } from './checkpoint-files.ts'

/** The tokenizer of a model in the form that travels, and what it was made from. */
export interface TokenizerFiles {
  /** A directory in Hugging Face layout, or a GGUF file. */
  readonly layout: 'directory' | 'gguf'
  /** The bytes that `loadTokenizer` of `@loupe/shared/tokenizer` reads. */
  readonly artifact: Uint8Array
  /** Of the GGUF, which may hold a chat template too. */
  readonly metadata: GgufMetadata | undefined
}

const TOKENIZER_FILE = 'tokenizer.json'
/** Gemma's takes 33 MB. */
const MOST_TOKENIZER_BYTES = 256 * 1024 * 1024

/**
 * Reads the tokenizer of a model. Gemma's `tokenizer.json` takes two to three seconds, the same in a GGUF one.
 *
 * @param path - as for `loadGemma3VL`: a directory in Hugging Face layout, or the `.gguf` of a language model
 * @throws AppError `tokenizer.invalid` when there is none, or it is not one of a supported kind; `config.invalid` when the
 *   GGUF is no language model of Gemma 3; `weights.invalid` when there is no such directory or file, or the GGUF is broken
 */
export async function openTokenizer(path: string): Promise<Tokenizer> {
  return loadTokenizer((await readTokenizer(path)).artifact)
}

/**
 * Reads the files of a tokenizer, as {@link openTokenizer}, for those who pass it on.
 *
 * @throws AppError as {@link openTokenizer}
 */
export async function readTokenizer(path: string): Promise<TokenizerFiles> {
  const found = await stat(path).catch((cause) => {
    throw new AppError('weights.invalid', `Expected a directory or a .gguf file at ${path}, found none.`, { cause })
  })
  return found.isDirectory() ? readDirectory(path) : readGguf(path)
}

async function readDirectory(directory: string): Promise<TokenizerFiles> {
  const files = await checkpointFiles(directory)
  const bytes = await files.size(TOKENIZER_FILE)
  const path = join(directory, TOKENIZER_FILE)
  if (bytes === undefined) {
    const gguf = (await readdir(directory)).find((name) => name.endsWith('.gguf'))
    const hint = gguf === undefined ? '' : ` A model in GGUF is named by its file: ${join(directory, gguf)}.`
    throw new AppError('tokenizer.invalid', `Expected a file ${path}, found none.${hint}`)
  }
  if (bytes > MOST_TOKENIZER_BYTES) {
    const expected = `Expected ${path} to be a file of ${MOST_TOKENIZER_BYTES} bytes at most`
    throw new AppError('tokenizer.invalid', `${expected}, found ${bytes} bytes.`)
  }
  const json = new TextDecoder().decode(await files.read(TOKENIZER_FILE, 0, bytes))
  return { layout: 'directory', artifact: buildTokenizerArtifact(json), metadata: undefined }
}

async function readGguf(path: string): Promise<TokenizerFiles> {
  const { metadata } = await openGguf(await checkpointFiles(dirname(path)), basename(path))
  const architecture = metadata.get('general.architecture')
  if (architecture !== 'gemma3') {
    const hint = architecture === 'clip' ? ', a vision tower, which mmproj (--mmproj) takes' : ''
    const found = `found ${JSON.stringify(architecture) ?? 'nothing'}${hint}`
    throw new AppError('config.invalid', `${path}: general.architecture: expected "gemma3", ${found}.`)
  }
  return { layout: 'gguf', artifact: buildGgufTokenizerArtifact(metadata), metadata }
}
