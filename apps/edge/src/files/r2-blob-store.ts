import { AppError } from '@loupe/shared/errors'
import { concatenate } from '../read-bounded.ts'
import type { BlobStore, BlobWriter, ByteRange } from './blob-store.ts'

/** A blob that comes in parts. */
interface BucketUpload {
  uploadPart(number: number, bytes: Uint8Array): Promise<UploadedPart>
  complete(parts: readonly UploadedPart[]): Promise<unknown>
  abort(): Promise<void>
}

interface UploadedPart {
  readonly partNumber: number
  readonly etag: string
}

/** The part of an R2 bucket that is used. @see https://developers.cloudflare.com/r2/api/workers/workers-api-reference/ */
interface Bucket {
  get(key: string, options?: { range: ByteRange }): Promise<{ readonly body: ReadableStream<Uint8Array> } | null>
  put(key: string, bytes: Uint8Array): Promise<unknown>
  delete(key: string): Promise<void>
  createMultipartUpload(key: string): Promise<BucketUpload>
}

/** R2 takes parts of 5 MiB and more, all of the same size but for the last. */
const PART_BYTES = 8 * 1024 * 1024

/** Blobs in R2. @throws AppError `config.invalid` when the binding is missing */
export function createR2BlobStore(env: Readonly<Record<string, unknown>>, binding: string): BlobStore {
  const value = env[binding]
  if (typeof value !== 'object' || value === null || !('createMultipartUpload' in value)) {
    throw new AppError('config.invalid', `${binding}: expected a binding to an R2 bucket, found none.`)
  }
  const bucket = value as unknown as Bucket // what has this method is a bucket
  return {
    write: (key) => new BucketWriter(bucket, key),
    read: async (key, range) => {
      const found = await bucket.get(key, range === undefined ? undefined : { range })
      return found?.body
    },
    delete: (key) => bucket.delete(key),
  }
}

/** Holds one part in memory; a blob of one part is put at once. */
class BucketWriter implements BlobWriter {
  readonly #bucket: Bucket
  readonly #key: string
  #held: Uint8Array[] = []
  #heldBytes = 0
  #upload: BucketUpload | undefined
  readonly #parts: UploadedPart[] = []

  constructor(bucket: Bucket, key: string) {
    this.#bucket = bucket
    this.#key = key
  }

  async add(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength; ) {
      const taken = bytes.subarray(at, at + PART_BYTES - this.#heldBytes)
      this.#held.push(taken)
      this.#heldBytes += taken.byteLength
      at += taken.byteLength
      if (this.#heldBytes === PART_BYTES) await this.#send()
    }
  }

  async finish(): Promise<void> {
    if (this.#upload === undefined) {
      await this.#bucket.put(this.#key, concatenate(this.#held))
      return
    }
    if (this.#heldBytes > 0) await this.#send()
    await this.#upload.complete(this.#parts)
  }

  async abort(): Promise<void> {
    await this.#upload?.abort()
  }

  async #send(): Promise<void> {
    this.#upload ??= await this.#bucket.createMultipartUpload(this.#key)
    const part = concatenate(this.#held)
    this.#held = []
    this.#heldBytes = 0
    this.#parts.push(await this.#upload.uploadPart(this.#parts.length + 1, part))
  }
}
