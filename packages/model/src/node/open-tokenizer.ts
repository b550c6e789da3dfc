import { stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { AppError } from '@loupe/shared/errors'
import {
  buildGgufTokenizerArtifact,
  buildTokenizerArtifact,
  loadTokenizer,
  type Tokenizer,
} from '@loupe/shared/tokenizer'
import { openGguf } from '../weights/gguf.ts'
import { checkpointFiles } from './checkpoint-files.ts'

const TOKENIZER_FILE = 'tokenizer.json'

/**
 * Reads the tokenizer of a model. Gemma's `tokenizer.json` takes two to three seconds, the same in a GGUF one.
 *
 * @param path - as for `loadGemma3VL`: a directory in Hugging Face layout, or the `.gguf` of a language model
 * @throws AppError `tokenizer.invalid` when there is none, or it is not one of a supported kind; `weights.invalid` when
 *   there is no such directory or file, or the GGUF is broken
 */
export async function openTokenizer(path: string): Promise<Tokenizer> {
  const found = await stat(path).catch((cause) => {
    throw new AppError('weights.invalid', `Expected a directory or a .gguf file at ${path}, found none.`, { cause })
  })
  return loadTokenizer(found.isDirectory() ? await readDirectory(path) : await readGguf(path))
}

async function readDirectory(path: string): Promise<Uint8Array> {
  const files = await checkpointFiles(path)
  const bytes = await files.size(TOKENIZER_FILE)
  if (bytes === undefined) {
    throw new AppError('tokenizer.invalid', `Expected ${TOKENIZER_FILE} in ${path}, found no such file.`)
  }
  return buildTokenizerArtifact(new TextDecoder().decode(await files.read(TOKENIZER_FILE, 0, bytes)))
}

async function readGguf(path: string): Promise<Uint8Array> {
  const { metadata } = await openGguf(await checkpointFiles(dirname(path)), basename(path))
  return buildGgufTokenizerArtifact(metadata)
}
