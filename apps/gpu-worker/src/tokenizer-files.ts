import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '@loupe/shared/errors'
import { buildTokenizerArtifact, loadTokenizer, type Tokenizer } from '@loupe/shared/tokenizer'

/** Gemma's file is 33 MB. */
const MOST_FILE_BYTES = 256 * 1024 * 1024

/** The tokenizer of a model's directory, to use here and to serve. */
export interface TokenizerFiles {
  readonly tokenizer: Tokenizer
  /** What `loadTokenizer` reads elsewhere. The tokenizer keeps views of it: do not change it. */
  readonly artifact: Uint8Array
  /** SHA-256 of the artifact, lower-case hex. */
  readonly digest: string
}

/**
 * Reads `tokenizer.json` of a model's directory. Gemma's takes two to three seconds, most of them in `JSON.parse`.
 *
 * @throws AppError `tokenizer.invalid` if there is no such file, or it is not one of a supported kind
 */
export async function openTokenizer(directory: string): Promise<TokenizerFiles> {
  const path = join(directory, 'tokenizer.json')
  const artifact = buildTokenizerArtifact(await readBounded(path))
  const digest = createHash('sha256').update(artifact).digest('hex')
  return { tokenizer: loadTokenizer(artifact), artifact, digest }
}

async function readBounded(path: string): Promise<string> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new AppError('tokenizer.invalid', `Expected a file ${path}, found none.`, { cause })
  })
  if (!found.isFile() || found.size > MOST_FILE_BYTES) {
    const size = found.isFile() ? `${found.size} bytes` : 'something else'
    throw new AppError(
      'tokenizer.invalid',
      `Expected ${path} to be a file of ${MOST_FILE_BYTES} bytes at most, found ${size}.`,
    )
  }
  return readFile(path, 'utf8')
}
