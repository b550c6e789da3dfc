import type { FileReader } from '@loupe/model'

/** A file: its bytes; or the first of them, and how many it claims to have. What it lacks reads as zeros. */
export type WatchedFile = Uint8Array | { readonly head: Uint8Array; readonly claimedBytes: number }

/** Files that remember how they were read. */
export interface WatchedFiles extends FileReader {
  /** Bytes of the largest read so far. */
  readonly largestRead: number
  /** Bytes of all reads so far. */
  readonly totalRead: number
  /** Most reads that were under way at once. */
  readonly mostAtOnce: number
}

/**
 * Files in memory, of any size that they claim. Reading outside of one fails with an error that is no AppError: a reader
 * that checks what a file says never comes to that.
 */
export function watchedFiles(files: Readonly<Record<string, WatchedFile>>): WatchedFiles {
  let [largestRead, totalRead, atOnce, mostAtOnce] = [0, 0, 0, 0]
  const sizeOf = (name: string) => {
    const file = files[name]
    return file instanceof Uint8Array ? file.byteLength : file?.claimedBytes
  }
  return {
    get largestRead() {
      return largestRead
    },
    get totalRead() {
      return totalRead
    },
    get mostAtOnce() {
      return mostAtOnce
    },
    size: async (name) => sizeOf(name),
    read: async (name, offset, length) => {
      const isWhole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0
      const size = sizeOf(name)
      if (size === undefined || !isWhole || offset + length > size) {
        throw new RangeError(`read ${length} bytes at ${offset} of ${name}`)
      }
      largestRead = Math.max(largestRead, length)
      totalRead += length
      mostAtOnce = Math.max(mostAtOnce, ++atOnce)
      await Promise.resolve()
      atOnce--
      const file = files[name]
      const bytes = file instanceof Uint8Array ? file : (file?.head ?? new Uint8Array())
      const result = new Uint8Array(length)
      result.set(bytes.subarray(Math.min(offset, bytes.byteLength), offset + length))
      return result
    },
  }
}
