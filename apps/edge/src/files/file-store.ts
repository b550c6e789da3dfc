import type { FilePurpose, ListFilesQuery } from '@loupe/shared/schema'
import { newId } from '../responses/new-id.ts'
import type { BlobStore, ByteRange } from './blob-store.ts'
import type { FileRecord, FileShelf } from './file-shelf.ts'

/** What a new file is called. */
interface FileTerms {
  readonly filename: string
  readonly purpose: FilePurpose
  /** How long it is kept; for ever when it is undefined. */
  readonly lifetimeMs: number | undefined
}

/** Takes the bytes of a new file. Nobody sees it until it is kept. */
export interface FileWriter {
  readonly id: string
  readonly bytes: number
  add(bytes: Uint8Array): Promise<void>
  /** Ends the bytes, so that they can be read by who knows the id. */
  finish(): Promise<void>
  /** Shows the file. @returns undefined where the tenant has no room for it: then it is gone */
  keep(terms: FileTerms): Promise<FileRecord | undefined>
  abort(): Promise<void>
}

/** The files of all tenants. A tenant reaches its own and no others, whatever the ids. */
export interface FileStore {
  /** Begins a file. @param id - a new one unless it is given; a file that has it is replaced */
  write(tenant: string, id?: string): Promise<FileWriter>
  get(tenant: string, id: string): Promise<FileRecord | undefined>
  /** A page of files and one more, if there is one. */
  list(tenant: string, query: ListFilesQuery): Promise<FileRecord[]>
  /** The bytes of a file that is known to be there. */
  read(tenant: string, id: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>
  /** @returns whether there was one */
  delete(tenant: string, id: string): Promise<boolean>
}

/** The methods of a shelf, near or far. */
type RemoteShelf = {
  readonly [Name in 'begin' | 'keep' | 'get' | 'list' | 'drop' | 'forget']: (
    ...args: Parameters<FileShelf[Name]>
  ) => ReturnType<FileShelf[Name]> | Promise<ReturnType<FileShelf[Name]>>
}

/** What a store is made of. */
export interface FileStoreOptions {
  /** Finds the shelf of a tenant. */
  readonly shelfOf: (tenant: string) => RemoteShelf
  readonly blobs: BlobStore
  readonly nowMs: () => number
}

/** Where the bytes of a file lie. A tenant's name is a hash, and an id has no slash. */
export function blobKey(tenant: string, id: string): string {
  return `${tenant}/${id}`
}

/** Makes a store of shelves, one for each tenant, and a store of bytes. */
export function createFileStore({ shelfOf, blobs, nowMs }: FileStoreOptions): FileStore {
  const drop = async (tenant: string, id: string): Promise<boolean> => {
    const shelf = shelfOf(tenant)
    const wasThere = await shelf.drop(id)
    await blobs.delete(blobKey(tenant, id))
    await shelf.forget(id)
    return wasThere
  }
  return {
    async write(tenant, id = newId('file')) {
      const shelf = shelfOf(tenant)
      await shelf.begin(id)
      const blob = blobs.write(blobKey(tenant, id))
      let bytes = 0
      return {
        id,
        get bytes() {
          return bytes
        },
        add: (piece) => {
          bytes += piece.byteLength
          return blob.add(piece)
        },
        finish: () => blob.finish(),
        async keep({ filename, purpose, lifetimeMs }) {
          const createdMs = nowMs()
          const expiresMs = lifetimeMs === undefined ? undefined : createdMs + lifetimeMs
          const file = { id, filename, purpose, bytes, createdMs, expiresMs }
          if (await shelf.keep(file)) return file
          await drop(tenant, id)
          return undefined
        },
        async abort() {
          await blob.abort()
          await drop(tenant, id)
        },
      }
    },
    get: async (tenant, id) => shelfOf(tenant).get(id),
    list: async (tenant, query) => shelfOf(tenant).list(query),
    read: (tenant, id, range) => blobs.read(blobKey(tenant, id), range),
    async delete(tenant, id) {
      if ((await shelfOf(tenant).get(id)) === undefined) return false
      return drop(tenant, id)
    },
  }
}
