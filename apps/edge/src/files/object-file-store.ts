import type { ListFilesQuery } from '@loupe/shared/schema'
import { objectNamespace } from '../durable-objects.ts'
import type { FileRecord } from './file-shelf.ts'
import type { FileShelfObject } from './file-shelf-object.ts'
import { createFileStore, type FileStore } from './file-store.ts'
import { createR2BlobStore } from './r2-blob-store.ts'

/** Files in Durable Objects, their bytes in R2. @throws AppError `config.invalid` when a binding is missing */
export function createObjectFileStore(env: Readonly<Record<string, unknown>>, nowMs: () => number): FileStore {
  const shelves = objectNamespace<FileShelfObject>(env, 'FILE_SHELVES')
  const shelfOf = (tenant: string) => {
    const shelf = shelves.getByName(tenant)
    return {
      begin: (id: string) => shelf.begin(id, tenant),
      keep: (file: FileRecord) => shelf.keep(file),
      get: (id: string) => shelf.get(id),
      list: (query: ListFilesQuery) => shelf.list(query),
      drop: (id: string) => shelf.drop(id),
      forget: (id: string) => shelf.forget(id),
    }
  }
  return createFileStore({ shelfOf, blobs: createR2BlobStore(env, 'FILES'), nowMs })
}
