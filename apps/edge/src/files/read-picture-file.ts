import { AppError } from '@loupe/shared/errors'
import type { FileStore } from './file-store.ts'
import { readFile, unknownFile } from './read-file.ts'

/** The bytes of a picture that was uploaded. */
export type ReadPictureFile = (id: string, tenant: string) => Promise<Uint8Array>

/**
 * Reads pictures by the ids of their files.
 *
 * @param mostBytes - of a picture
 * @throws AppError `file.unknown`; `image.unsupported` for a file of another purpose; `image.too_large`, `image.empty`
 */
export function createPictureFileReader(files: FileStore, mostBytes: number): ReadPictureFile {
  return async (id, tenant) => {
    const file = await files.get(tenant, id)
    if (file === undefined) throw unknownFile(id)
    if (file.purpose !== 'vision' && file.purpose !== 'user_data') {
      throw new AppError('image.unsupported', `Expected a picture, found a file for "${file.purpose}".`)
    }
    if (file.bytes > mostBytes) throw new AppError('image.too_large', `Expected at most ${mostBytes} bytes.`)
    if (file.bytes === 0) throw new AppError('image.empty', 'The file holds no bytes.')
    return readFile(files, tenant, id)
  }
}
