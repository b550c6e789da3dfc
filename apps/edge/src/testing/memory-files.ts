import type { BlobStore } from '../files/blob-store.ts'
import { FileShelf } from '../files/file-shelf.ts'
import { createFileStore, type FileStore } from '../files/file-store.ts'
import { concatenate } from '../read-bounded.ts'
import { memoryDatabase } from './memory-shelf.ts'

/** Blobs in memory, by their keys. */
export function createMemoryBlobs(blobs = new Map<string, Uint8Array>()): BlobStore {
  return {
    write(key) {
      const pieces: Uint8Array[] = []
      return {
        add: async (bytes) => {
          pieces.push(bytes)
        },
        finish: async () => {
          blobs.set(key, concatenate(pieces))
        },
        abort: async () => undefined,
      }
    },
    async read(key, range) {
      const bytes = blobs.get(key)
      if (bytes === undefined) return undefined
      const { offset, length } = range ?? { offset: 0, length: bytes.byteLength }
      return new Blob([bytes.slice(offset, offset + length)]).stream()
    },
    async delete(key) {
      blobs.delete(key)
    },
  }
}

/** Files in the memory of a test: the real shelves, each over a database of its own. */
export function createMemoryFiles(
  nowMs: () => number,
  { blobs, mostBytes = 1 << 20 }: { readonly blobs?: BlobStore; readonly mostBytes?: number } = {},
): FileStore {
  const shelves = new Map<string, FileShelf>()
  const shelfOf = (tenant: string): FileShelf => {
    const shelf = shelves.get(tenant) ?? new FileShelf(memoryDatabase(), mostBytes, nowMs)
    shelves.set(tenant, shelf)
    return shelf
  }
  return createFileStore({ shelfOf, blobs: blobs ?? createMemoryBlobs(), nowMs })
}
