import { readFile, stat } from 'node:fs/promises'
import { AppError, type ErrorCode } from '@loupe/shared/errors'

/**
 * Reads a small text file, and no other: not a device, not one that fills the memory.
 *
 * @returns `undefined` if there is no such file
 * @throws AppError `code` if it is no file or too long
 */
export async function readBounded(path: string, mostBytes: number, code: ErrorCode): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return undefined
  if (found.isFile() && found.size <= mostBytes) return readFile(path, 'utf8')
  const size = found.isFile() ? `${found.size} bytes` : 'something else'
  throw new AppError(code, `Expected ${path} to be a file of ${mostBytes} bytes at most, found ${size}.`)
}
