import type { FileReader } from '@loupe/model'

/** More than any reader needs at once: it reads in pieces. */
const MOST_BYTES = 1024 * 1024

/**
 * Files in memory. Reading outside of one, or more than 1 MiB at once, fails with an error that is no AppError: a reader
 * that checks what a file says never comes to that.
 */
export function memoryFiles(files: Readonly<Record<string, Uint8Array>>): FileReader {
  return {
    size: async (name) => files[name]?.byteLength,
    read: async (name, offset, length) => {
      const bytes = files[name]
      const isWhole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0
      if (bytes === undefined || !isWhole || offset + length > bytes.byteLength || length > MOST_BYTES) {
        throw new RangeError(`read ${length} bytes at ${offset} of ${name}`)
      }
      return bytes.subarray(offset, offset + length)
    },
  }
}
