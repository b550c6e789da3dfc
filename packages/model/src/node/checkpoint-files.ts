import { constants, type FileHandle, open, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '@loupe/shared/errors'
import type { FileReader } from '../weights/checkpoint.ts'

/** Headers and small files only: weights are mapped by the runtime, never read through here in one piece. */
const MAX_READ_BYTES = 256 * 1024 * 1024
/** No folder and nothing hidden; a file that was downloaded twice may well be called "model (1).gguf". */
const PLAIN_NAME = /^[^./\\\0][^/\\\0]*$/

/** The files of a checkpoint's directory on disk, opened read-only and only while they are read. */
export interface CheckpointFiles extends FileReader {
  /** The real directory, all links resolved. */
  readonly directory: string
  /**
   * The real path of a file. Hub caches fill a directory with links to files that lie elsewhere.
   *
   * @throws AppError `weights.invalid` if there is no such file
   */
  realPath(name: string): Promise<string>
}

/**
 * Opens a directory.
 *
 * @throws AppError `weights.invalid` if there is no such directory
 */
export async function checkpointFiles(path: string): Promise<CheckpointFiles> {
  const directory = await realpath(path).catch((cause) => {
    throw new AppError('weights.invalid', `Expected a directory at ${path}, found none.`, { cause })
  })
  const realPath = async (name: string) => {
    const path = await locate(directory, name)
    if (path === undefined)
      throw new AppError('weights.invalid', `Expected ${name} in ${directory}, found no such file.`)
    return path
  }
  return {
    directory,
    realPath,
    async size(name) {
      const path = await locate(directory, name)
      return path === undefined ? undefined : withFile(path, (_, bytes) => bytes)
    },
    async read(name, offset, length) {
      return withFile(await realPath(name), (file, bytes) => readExactly(file, bytes, { name, offset, length }))
    },
  }
}

async function locate(directory: string, name: string): Promise<string | undefined> {
  if (!PLAIN_NAME.test(name)) throw new AppError('weights.invalid', `Expected a plain file name, found "${name}".`)
  try {
    return await realpath(join(directory, name))
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new AppError('weights.invalid', `${name} cannot be opened.`, { cause })
  }
}

/** @param use - gets the open file and its length in bytes */
async function withFile<T>(path: string, use: (file: FileHandle, bytes: number) => T | Promise<T>): Promise<T> {
  // A pipe would keep a plain open waiting for whoever writes to it.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause) => {
    throw new AppError('weights.invalid', `${path} cannot be opened.`, { cause })
  })
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new AppError('weights.invalid', `${path}: expected a file, found something else.`)
    return await use(file, stat.size)
  } finally {
    await file.close()
  }
}

async function readExactly(file: FileHandle, fileBytes: number, range: ByteRange): Promise<Uint8Array> {
  const { name, offset, length } = range
  const isInside = offset >= 0 && length >= 0 && length <= MAX_READ_BYTES && offset + length <= fileBytes
  if (!isInside) {
    const found = `${length} at ${offset} of ${fileBytes}`
    throw new AppError('weights.invalid', `${name}: expected to read bytes inside of the file, found ${found}.`)
  }
  const bytes = new Uint8Array(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done)
    if (bytesRead === 0) throw new AppError('weights.invalid', `${name} became shorter while it was read.`)
    done += bytesRead
  }
  return bytes
}

interface ByteRange {
  readonly name: string
  readonly offset: number
  readonly length: number
}
