import { createHash } from 'node:crypto'
import { type FileHandle, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError } from '@loupe/shared/errors'
import { throwIfCancelled } from '../runtime/cancellation.ts'
import { makeDirectory } from './make-directory.ts'

/** How a file is read for its digest. */
interface DigestOptions {
  /** Where digests are remembered. */
  readonly folder: string
  readonly onBytes: (count: number) => void
  readonly signal: AbortSignal | undefined
}

/** What a file system tells of a file whose contents are known. */
interface KnownFile {
  readonly identity: string
  readonly digest: string
}

const PIECE_BYTES = 1024 * 1024
/**
 * A file that changed a moment before it was read may change again without its times telling, for their clocks tick.
 * Such a digest is not remembered.
 */
const SETTLED_MS = 100

/**
 * SHA-256 of a file's contents. It is remembered as long as size, times and inode are the same, so that a large file is
 * read once only.
 *
 * @param path - real, all links resolved
 * @returns in hexadecimal
 * @throws AppError `weights.invalid` if the file cannot be read, or changes while it is; `request.cancelled`
 */
export async function contentDigest(path: string, options: DigestOptions): Promise<string> {
  const name = createHash('sha256').update(path).digest('hex').slice(0, 32)
  const memo = join(options.folder, `${name}.json`)
  const file = await open(path, 'r').catch((cause) => {
    throw new AppError('weights.invalid', `${path} cannot be read.`, { cause })
  })
  try {
    const before = await identityOf(file)
    const known = await readKnown(memo)
    if (known?.identity === before.text) return known.digest
    const digest = await hash(file, options)
    const after = await identityOf(file)
    if (after.text !== before.text) throw new AppError('weights.invalid', `${path} changed while it was read.`)
    if (Date.now() - before.changedMs > SETTLED_MS) await remember(memo, { identity: after.text, digest })
    return digest
  } finally {
    await file.close()
  }
}

/** What tells one version of a file from another without reading it. */
async function identityOf(file: FileHandle): Promise<{ text: string; changedMs: number }> {
  const { size, mtimeNs, ctimeNs, ino, ctimeMs } = await file.stat({ bigint: true })
  return { text: [size, mtimeNs, ctimeNs, ino].join(), changedMs: Number(ctimeMs) }
}

async function hash(file: FileHandle, { onBytes, signal }: DigestOptions): Promise<string> {
  const sha = createHash('sha256')
  const piece = new Uint8Array(PIECE_BYTES)
  for (;;) {
    throwIfCancelled(signal)
    const { bytesRead } = await file.read(piece, 0, PIECE_BYTES)
    if (bytesRead === 0) return sha.digest('hex')
    sha.update(piece.subarray(0, bytesRead))
    onBytes(bytesRead)
  }
}

async function readKnown(memo: string): Promise<KnownFile | undefined> {
  try {
    const { identity, digest } = JSON.parse(await readFile(memo, 'utf8'))
    return typeof identity === 'string' && /^[0-9a-f]{64}$/.test(digest) ? { identity, digest } : undefined
  } catch {
    return undefined // never written, or torn: it is made anew
  }
}

/** Without a memory everything works, only slower: a cache that cannot be written is reported when it must be. */
async function remember(memo: string, known: KnownFile): Promise<void> {
  const draft = `${memo}.${process.pid}.${Math.random().toString(36).slice(2)}`
  try {
    await makeDirectory(dirname(memo))
    await writeFile(draft, JSON.stringify(known))
    await rename(draft, memo)
  } catch {
    await rm(draft, { force: true }).catch(() => undefined)
  }
}
