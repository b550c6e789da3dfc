import { AppError } from '@loupe/shared/errors'
import { concatenate } from '../read-bounded.ts'
import type { ByteRange } from './blob-store.ts'
import type { FileStore } from './file-store.ts'

/** The bytes of a file, or of a stretch of it. @throws AppError `file.unknown` when they are gone */
export async function readFile(files: FileStore, tenant: string, id: string, range?: ByteRange): Promise<Uint8Array> {
  const body = await files.read(tenant, id, range)
  if (body === undefined) throw unknownFile(id)
  const chunks: Uint8Array[] = []
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return concatenate(chunks)
    chunks.push(value)
  }
}

/** The fault of an id that is nobody's, or another tenant's. */
export function unknownFile(id: string): AppError {
  return new AppError('file.unknown', `The file "${id.slice(0, 64)}" was not uploaded, is deleted or has expired.`)
}
